import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { NANOS_PER_MS, nowNanos } from "../../../bench/harness/clock.ts";
import { merged } from "../../../bench/harness/histogram.ts";
import type { ClientReport } from "../../../bench/harness/messages.ts";
import { payloadMaker } from "../../../bench/harness/stamp.ts";
import { Witness } from "../../../bench/harness/witness.ts";

/** Ten messages, a millisecond apart, the first of which was due a second ago. */
const AGO_MS = 1_000;
const PHASES = [{ rate: 1_000, burst: 1, seconds: 0.01 }];

/** What a subscriber reports that gets these messages just in time, and is told of these losses. */
function reportOf(events: readonly (number | { readonly lost: number })[], excusesDrops = false) {
  const witness = new Witness();
  const listener = witness.listener();
  const startNanos = nowNanos() - AGO_MS * NANOS_PER_MS;
  witness.begin({ startNanos, phases: PHASES, payloadBytes: 16, spanMs: 100, excusesDrops }, 0);
  const payload = payloadMaker(16);
  for (const event of events) {
    if (typeof event === "number") listener.message(payload(nowNanos(), event));
    else listener.lost?.(event.lost);
  }
  return witness.finish(0);
}

function absent(report: ClientReport): number {
  return report.absent.count;
}

describe("a witness", () => {
  /** 2 and 3 are lost, and told; 5 is lost; 8 and 9 are still to come. */
  const gapped = [0, 1, { lost: 2 }, 4, 6, 7];

  it("counts all that never came until the end: told, missing, and still on its way", async () => {
    const report = await reportOf(gapped);
    const { announced, missing, undelivered } = report.books;
    assert.deepEqual([announced, missing, undelivered], [2, 1, 2]);
    assert.equal(absent(report), 5);
    assert.equal(report.latency.count, 5);
    assert.ok(merged([report.absent]).micros(0) >= (AGO_MS - 20) * 1_000);
  });

  it("counts only what is still on its way where drops are excused", async () => {
    assert.equal(absent(await reportOf(gapped, true)), 2);
  });

  it("does not count what came late, after it was taken for missing", async () => {
    assert.equal(absent(await reportOf([0, 2, 1, 3, 4, 5, 6, 7, 8, 9])), 0);
  });

  it("takes a subscriber for late until the end to whom not everything came", async () => {
    const behind = await reportOf([0, 1, 2]);
    assert.ok((behind.lastLateAtMs ?? 0) >= AGO_MS);
  });

  it("does not take a subscriber for late that has lost something and has come to the end", async () => {
    const current = await reportOf([0, 1, { lost: 2 }, 4, 5, 6, 7, 8, 9]);
    assert.equal(current.books.announced, 2);
    assert.equal(current.lastLateAtMs, undefined);
  });
});
