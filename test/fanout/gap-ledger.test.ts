import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { GapLedger, MAX_PENDING_GAPS } from "../../src/fanout/gap-ledger.ts";
import type { GapFrame, GapReason } from "../../src/protocol/index.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { runs } from "../support/property.ts";

failOnLeaks();

const gap = (
  topic: string | undefined,
  from: number,
  to: number,
  count: number | undefined,
  reason = "overflow",
) => ({ kind: "gap", topic, from, to, count, reason }) as GapFrame;

/** One loss behind the tail. */
function loseOne(
  ledger: GapLedger,
  topic: string,
  offset: number,
  before: number,
  reason: GapReason = "overflow",
) {
  ledger.loseAtTail(topic, offset, offset, 1, reason, before);
}

describe("GapLedger", () => {
  it("merges the losses of one topic and reason at one place into a hull with the exact count", () => {
    const ledger = new GapLedger();
    loseOne(ledger, "a", 3, 1);
    loseOne(ledger, "b", 4, 1);
    loseOne(ledger, "a", 9, 1);
    loseOne(ledger, "a", 10, 1, "oversize");
    assert.equal(ledger.lowestOffset, 3);
    assert.deepEqual(ledger.takeBefore(1), [
      gap("a", 3, 9, 2),
      gap("b", 4, 4, 1),
      gap("a", 10, 10, 1, "oversize"),
    ]);
    assert.ok(ledger.isEmpty);
    assert.equal(ledger.lowestOffset, undefined);
  });

  it("hands out only what comes before the place that is next", () => {
    const ledger = new GapLedger();
    loseOne(ledger, "a", 3, 2);
    loseOne(ledger, "a", 5, 3);
    assert.equal(ledger.takeBefore(1), undefined);
    assert.deepEqual(ledger.takeBefore(2), [gap("a", 3, 3, 1)]);
    assert.equal(ledger.takeBefore(2), undefined);
    assert.deepEqual(ledger.takeBefore(3), [gap("a", 5, 5, 1)]);
  });

  it("a loss of the head makes its neighbours one, told by their first offset", () => {
    const ledger = new GapLedger();
    // In line: 1 · (2 lost) · 3 · (4 lost) · 5, and then the head goes twice.
    loseOne(ledger, "b", 2, 1, "oversize");
    loseOne(ledger, "a", 4, 2);
    ledger.loseAtHead("a", 1, "overflow", 1);
    ledger.loseAtHead("c", 3, "overflow", 2);
    assert.deepEqual(ledger.takeBefore(2), [
      gap("a", 1, 4, 2),
      gap("b", 2, 2, 1, "oversize"),
      gap("c", 3, 3, 1),
    ]);
    assert.ok(ledger.isEmpty);
  });

  it("a loss of unknown size stays unknown, whatever is added", () => {
    const ledger = new GapLedger();
    ledger.loseAtTail(undefined, 1, 50, undefined, "trimmed", 0);
    ledger.loseAtTail(undefined, 51, 60, 10, "trimmed", 0);
    assert.deepEqual(ledger.takeBefore(0), [gap(undefined, 1, 60, undefined, "trimmed")]);
  });

  it("tells up to 64 topics apart; beyond, a place has one notice per reason, and the counts stay exact", () => {
    const ledger = new GapLedger();
    for (let topic = 0; topic < MAX_PENDING_GAPS; topic++) loseOne(ledger, `topic ${topic}`, topic + 1, 0);
    loseOne(ledger, "topic 0", 65, 0);
    const exact = ledger.takeBefore(0) ?? [];
    assert.equal(exact.length, 64);
    assert.deepEqual(exact[0], gap("topic 0", 1, 65, 2));

    for (let topic = 0; topic <= MAX_PENDING_GAPS; topic++) loseOne(ledger, `topic ${topic}`, topic + 1, 0);
    loseOne(ledger, "topic 7", 66, 0);
    loseOne(ledger, "topic 7", 67, 0, "oversize");
    assert.deepEqual(ledger.takeBefore(0), [
      gap(undefined, 1, 66, 66),
      // The ledger has room again, so this one has its topic.
      gap("topic 7", 67, 67, 1, "oversize"),
    ]);
  });

  it("has room again for what was told and for notices that became one", () => {
    const ledger = new GapLedger();
    for (const place of [1, 2])
      for (let topic = 0; topic < 30; topic++) loseOne(ledger, `${topic}`, 100 + topic, place);
    // The head between the two places goes: 60 notices become 30.
    ledger.loseAtHead("0", 50, "overflow", 2);
    for (let topic = 30; topic < 60; topic++) loseOne(ledger, `${topic}`, 100 + topic, 3);
    assert.equal(ledger.takeBefore(2)?.length, 30);
    assert.equal(ledger.takeBefore(3)?.length, 30, "each topic has a notice of its own");
  });

  it("makes places one that a renumbered line has nothing between, and leaves the others apart", () => {
    const ledger = new GapLedger();
    loseOne(ledger, "a", 2, 1);
    loseOne(ledger, "a", 4, 2);
    loseOne(ledger, "b", 6, 3);
    loseOne(ledger, "a", 8, 4);
    ledger.movePlaces((place) => Math.min(place, 2));
    assert.equal(ledger.lowestOffset, 2);
    loseOne(ledger, "b", 9, 2);
    assert.deepEqual(ledger.takeBefore(1), [gap("a", 2, 2, 1)]);
    assert.equal(ledger.takeBefore(1), undefined);
    assert.deepEqual(ledger.takeBefore(2), [gap("a", 4, 8, 2), gap("b", 6, 9, 2)]);
    assert.ok(ledger.isEmpty);
  });

  it("stays bounded when places of many topics become one, and has room again for each notice that went", () => {
    const ledger = new GapLedger();
    for (let topic = 0; topic < 40; topic++) loseOne(ledger, `${topic}`, topic + 1, 1);
    for (let topic = 20; topic < 44; topic++) loseOne(ledger, `${topic}`, topic + 100, 2);
    ledger.movePlaces(() => 1);
    for (let topic = 44; topic < MAX_PENDING_GAPS; topic++) loseOne(ledger, `${topic}`, topic + 200, 1);
    assert.equal(ledger.takeBefore(1)?.length, MAX_PENDING_GAPS, "each topic has a notice of its own");
    for (let place = 1; place <= 50; place++)
      for (const topic of [0, 1]) loseOne(ledger, `${2 * place + topic}`, 2 * place + topic, place);
    ledger.movePlaces(() => 1);
    const told = ledger.takeBefore(1) ?? [];
    assert.deepEqual(told, [gap(undefined, 2, 101, 100)]);
  });

  it("a notice that was handed out is not changed by later losses", () => {
    const ledger = new GapLedger();
    loseOne(ledger, "a", 1, 0);
    const taken = ledger.takeBefore(0);
    loseOne(ledger, "a", 2, 0);
    assert.deepEqual(taken, [gap("a", 1, 1, 1)]);
  });

  it("tells at every place what was lost there and nothing else, and stays bounded", () => {
    const reason = fc.constantFrom<GapReason>("overflow", "oversize", "filter-failed");
    const step = fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({ kind: fc.constant("append" as const), topic: fc.nat(99), reason }),
      },
      {
        weight: 5,
        arbitrary: fc.record({ kind: fc.constant("loseNew" as const), topic: fc.nat(99), reason }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ kind: fc.constant("loseHead" as const), topic: fc.nat(0), reason }),
      },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant("take" as const), topic: fc.nat(0), reason }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400, size: "max" }), (steps) => {
        const ledger = new GapLedger();
        // The line with each single loss where it happened.
        let line: { offset: number; topic: string; lost: GapReason | undefined }[] = [];
        let [offset, headPlace] = [0, 0];
        const waiting = () => line.filter(({ lost }) => lost === undefined).length;
        for (const { kind, topic, reason } of steps) {
          const head = line.find(({ lost }) => lost === undefined);
          if (kind === "append") {
            line.push({ offset: ++offset, topic: `${topic}`, lost: undefined });
          } else if (kind === "loseNew") {
            line.push({ offset: ++offset, topic: `${topic}`, lost: reason });
            loseOne(ledger, `${topic}`, offset, headPlace + waiting(), reason);
          } else if (kind === "loseHead" && head !== undefined) {
            head.lost = "overflow";
            ledger.loseAtHead(head.topic, head.offset, "overflow", ++headPlace);
          } else if (kind === "take") {
            const behind = head === undefined ? line.length : line.indexOf(head);
            const told = ledger.takeBefore(headPlace) ?? [];
            const losses = line.slice(0, behind);
            assert.equal(
              told.reduce((sum, { count }) => sum + (count ?? Number.NaN), 0),
              losses.length,
            );
            for (const loss of losses) {
              const teller = told.filter(
                (notice) =>
                  notice.reason === loss.lost && (notice.topic === undefined || notice.topic === loss.topic),
              );
              assert.ok(teller.some(({ from, to }) => from <= loss.offset && loss.offset <= to));
            }
            for (const notice of told) {
              if (notice.topic === undefined) continue;
              const own = losses.filter(
                ({ topic, lost }) => topic === notice.topic && lost === notice.reason,
              );
              const alone = !told.some(
                ({ topic, reason }) => topic === undefined && reason === notice.reason,
              );
              if (alone) assert.equal(own.length, notice.count);
            }
            line = line.slice(behind + 1);
            if (head !== undefined) headPlace++;
          }
          const lowest = Math.min(...line.slice(0, 1).map(({ offset }) => offset));
          if (line[0]?.lost !== undefined) assert.equal(ledger.lowestOffset, lowest);
          assert.equal(
            ledger.isEmpty,
            line.every(({ lost }) => lost === undefined),
          );
        }
      }),
      runs(200),
    );
  });
});
