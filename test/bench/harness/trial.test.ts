import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { merged } from "../../../bench/harness/histogram.ts";
import type { Behaviour } from "../../../bench/harness/messages.ts";
import { unpinned } from "../../../bench/harness/pinning.ts";
import { type CellPlan, subscribers, type TrialPlan, usualWarmUp } from "../../../bench/harness/plan.ts";
import { type Limits, runTrial, type TrialOutcome } from "../../../bench/harness/trial.ts";
import type { SystemKind } from "../../../bench/system.ts";

const pinning = unpinned("tests run beside one another");
const HEALTHY = 4;
const load = { healthy: HEALTHY, slow: 0, payloadBytes: 512, rate: 200, burst: 2, seconds: 0.2 };
const MESSAGES = 40;

function plan(system: string, trial: Partial<TrialPlan> = {}): CellPlan {
  return {
    id: system,
    scenario: "test",
    system,
    group: "test",
    load,
    trial: {
      settings: {},
      warmUps: usualWarmUp(load, { seconds: 0.05 }),
      healthy: subscribers("healthy", HEALTHY),
      companions: [],
      // So long that it says nothing about a machine with other work to do.
      finishLimitMs: 10_000,
      ...trial,
    },
  };
}

function run(
  name: string,
  trial: Partial<TrialPlan> = {},
  { kind = "ours", limits = {} }: { kind?: SystemKind; limits?: Partial<Limits> } = {},
): Promise<TrialOutcome> {
  const module = new URL(`./systems/${name}.js`, import.meta.url).href;
  return runTrial(plan(name, trial), { system: { kind, module }, pinning, block: 0, limits });
}

function companion(behaviour: Behaviour, count = 1, delayMs = 0) {
  return { name: behaviour, subscribers: subscribers(behaviour, count, { delayMs }) };
}

describe("a trial", () => {
  it("delivers every message to every subscriber, and its books say so", async () => {
    const { trial, faults } = await run("honest");
    assert.deepEqual(faults, []);
    assert.deepEqual(trial.problems, []);
    assert.deepEqual(trial.books, {
      published: MESSAGES,
      expected: MESSAGES * HEALTHY,
      received: MESSAGES * HEALTHY,
      announced: 0,
      missing: 0,
      undelivered: 0,
      duplicated: 0,
      reordered: 0,
    });
    assert.equal(trial.latency.count, MESSAGES * HEALTHY);
    assert.equal(trial.publish.count, MESSAGES);
    assert.equal(trial.lateness.count, MESSAGES);
    assert.equal(trial.extra?.deliveries, MESSAGES * HEALTHY);
    assert.ok(trial.cpuMicros > 0 && trial.seconds >= 0.2);
    assert.ok(trial.rssBytes.peak >= trial.rssBytes.before && trial.rssBytes.before > 1e7);
    assert.ok(trial.timeline.some(({ p99 }) => p99 !== undefined && p99 > 0));
  });

  it("measures the healthy beside a process that is stopped, and leaves no process behind", async () => {
    const { trial } = await run("honest", { companions: [companion("sigstop", 2)] });
    assert.deepEqual(trial.problems, []);
    assert.equal(trial.books.received, MESSAGES * HEALTHY);
    assert.equal(trial.extra?.deliveries, MESSAGES * HEALTHY);
  });

  it("has slow ones that read late, that stopped reading, and that come and go", async () => {
    const companions = (
      ["delayed", "paused", "draining", "reconnecting", "draining-reconnecting", "churning"] as const
    ).map((behaviour) => ({
      name: behaviour,
      subscribers: subscribers(behaviour, 2, { delayMs: 1_000, churnPerSecond: 20 }),
    }));
    const { trial } = await run("honest", { companions });
    assert.deepEqual(trial.problems, []);
    const all = MESSAGES * HEALTHY;
    assert.ok(trial.extra!.deliveries! >= all + MESSAGES * 2, "those that drain count as deliveries");
    assert.ok(trial.extra!.deliveries! < all + MESSAGES * 12, "those that do not read do not");
  });

  it("stops and continues a process in the measured time, and says when", async () => {
    const { trial } = await run("honest", {
      companions: [{ ...companion("draining"), witness: true }],
      figures: ["recovery"],
      events: [
        { atMs: 20, what: "stopped", companion: "draining" },
        { atMs: 170, what: "continued", companion: "draining" },
      ],
    });
    assert.deepEqual(trial.problems, []);
    assert.deepEqual(
      trial.events?.map(({ what }) => what),
      ["stopped", "continued"],
    );
    assert.equal(trial.extra?.companionReceived, MESSAGES);
    assert.ok((trial.extra?.recoveredAfterMs ?? 0) > 0, "it had something to catch up with");
  });

  it("counts what never came until the end", async () => {
    // The schedule is over long before the limit at which the books are closed without it.
    const { trial } = await run("swallowing", { finishLimitMs: 300 });
    assert.equal(trial.books.undelivered, MESSAGES / 2);
    assert.equal(trial.latency.count, MESSAGES * HEALTHY);
    const latency = merged([trial.latency]);
    assert.ok(latency.maxMicros >= 300_000, `${latency.maxMicros} µs`);
  });

  it("is invalid when a message is lost without a word", async () => {
    const { trial, faults } = await run("losing", { finishLimitMs: 1_000 });
    assert.deepEqual(trial.problems, ["healthy subscribers missed 1 message without being told"]);
    assert.equal(faults[0]?.kind, "system");
    assert.equal(trial.books.missing, 1);
  });

  it("shows what a baseline lost, which promised nothing", async () => {
    const { trial } = await run("losing-baseline", { finishLimitMs: 1_000 }, { kind: "baseline" });
    assert.deepEqual(trial.problems, []);
    assert.equal(trial.books.missing, 1);
  });

  it("is valid when a loss is told", async () => {
    const { trial } = await run("announcing");
    assert.deepEqual(trial.problems, []);
    assert.equal(trial.books.announced, 1);
    assert.equal(trial.books.received, MESSAGES * HEALTHY - 1);
    assert.equal(trial.latency.count, MESSAGES * HEALTHY, "what was dropped counts until the end");
  });

  it("leaves what was dropped out of the latency where that is what is looked at", async () => {
    const { trial } = await run("announcing", { excusesDrops: true });
    assert.equal(trial.latency.count, MESSAGES * HEALTHY - 1);
  });

  it("is invalid when a loss is told that never was", async () => {
    const { trial } = await run("lying");
    assert.deepEqual(trial.problems, ["healthy subscribers were told of 1 message lost that were not"]);
  });

  it("is invalid when a message comes twice", async () => {
    const { trial } = await run("duplicating", {}, { kind: "baseline" });
    assert.deepEqual(trial.problems, ["healthy subscribers got 1 message twice"]);
  });

  it("is invalid when messages come out of order", async () => {
    const { trial } = await run("reordering", {}, { kind: "baseline" });
    assert.deepEqual(trial.problems, ["healthy subscribers got 1 message out of order"]);
  });

  it("is invalid when the system says that its books do not balance", async () => {
    const { trial } = await run("unbalanced");
    assert.deepEqual(trial.problems, ["the books of the server do not balance"]);
  });

  it("charges a publisher that was held up in the latency, and counts all the same", async () => {
    const { trial } = await run("blocking");
    assert.deepEqual(trial.problems, []);
    assert.ok(merged([trial.lateness]).maxMicros >= 150_000, "what was due meanwhile was late");
    assert.ok(merged([trial.latency]).maxMicros >= 150_000, "and so it came late");
  });

  it("does not hang when the server dies, and tells its last words", async () => {
    await assert.rejects(run("dying"), {
      name: "Error",
      kind: "system",
      message: "the server process ended with exit code 7: the last words of the server",
    });
  });

  it("does not hang when the server does not start", async () => {
    await assert.rejects(run("mute", {}, { limits: { startMs: 500 } }), {
      kind: "infrastructure",
      message: 'the server process did not answer "started" within 0.5 s',
    });
  });

  it("cannot be measured where the system has no subscribers of that kind", async () => {
    await assert.rejects(run("honest", { companions: [companion("window-0")] }), {
      kind: "unavailable",
      message: "window-0: honest has no subscriber without a flow-control window",
    });
  });

  it("ends at once when it is aborted", async () => {
    const aborting = new AbortController();
    const module = new URL("./systems/mute.js", import.meta.url).href;
    const running = runTrial(plan("mute"), {
      system: { kind: "ours", module },
      pinning,
      block: 0,
      signal: aborting.signal,
    });
    aborting.abort(new Error("enough"));
    await assert.rejects(running, { message: "enough" });
  });
});
