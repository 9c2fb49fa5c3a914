import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Goal, judge } from "../../../bench/report/goals/index.ts";
import { judgeTax } from "../../../bench/report/goals/tax.ts";
import { gather } from "../../../bench/report/material.ts";
import type { Comparison } from "../../../bench/report/statistics.ts";
import type { Cell, MicroTable } from "../../../bench/results.ts";
import { cell, fullResults, LOAD, results, trial } from "./synthetic.ts";

const NO_TAX: Comparison = {
  blocks: 5,
  ratio: 1,
  interval: { low: 0.98, high: 1.02 },
  differenceMs: 0,
  controlMs: 10,
  delivered: { cell: 1, control: 1 },
  throughput: 1,
};

function goalsOf(cells: readonly Cell[], micro: readonly MicroTable[] = []): readonly Goal[] {
  return judge(gather([results({ cells, micro })]));
}

function find(goals: readonly Goal[], wanted: RegExp): Goal {
  const found = goals.filter(({ goal }) => wanted.test(goal));
  assert.equal(found.length, 1, `goals like ${wanted}: ${found.map(({ goal }) => goal).join("; ")}`);
  return found[0]!;
}

describe("the tax goal", () => {
  const verdict = (given: Partial<Comparison>): string => judgeTax({ ...NO_TAX, ...given }).verdict;

  it("is met exactly at its bounds and missed just beyond them", () => {
    assert.equal(verdict({}), "met");
    assert.equal(verdict({ interval: { low: 1.05, high: 1.1 } }), "met");
    assert.equal(verdict({ interval: { low: 1.0501, high: 1.2 } }), "missed");
    assert.equal(verdict({ ratio: 1.1, differenceMs: 5 }), "met");
    assert.equal(verdict({ ratio: 1.101, differenceMs: 5 }), "missed");
    assert.equal(verdict({ throughput: 0.99 }), "met");
    assert.equal(verdict({ throughput: 0.9899 }), "missed");
  });

  it("forgives a large ratio of two short times, to a quarter of a millisecond", () => {
    const short = { ratio: 1.5, interval: { low: 1, high: 1.5 }, controlMs: 0.5 };
    assert.equal(verdict({ ...short, differenceMs: 0.25 }), "met");
    assert.equal(verdict({ ...short, differenceMs: 0.251 }), "missed");
    assert.equal(verdict({ ...short, differenceMs: 0.25, interval: { low: 1, high: 1.51 } }), "undecided");
  });

  it("is not judged without an interval, except by what was not delivered", () => {
    const { interval: _, ...point } = NO_TAX;
    const without = { ...point, why: "2 shared blocks, an interval needs 3" };
    assert.equal(judgeTax(without).verdict, "not measured");
    assert.match(judgeTax(without).measured, /1\.00×.*2 shared blocks/);
    assert.equal(judgeTax({ ...without, throughput: 0.5 }).verdict, "missed");
  });

  it("is undecided when the rule holds and the interval reaches beyond the bound of the point", () => {
    const wide = judgeTax({ ...NO_TAX, interval: { low: 0.9, high: 1.1001 } });
    assert.equal(wide.verdict, "undecided");
    assert.match(wide.measured, /the rule holds, the interval does not exclude more/);
    assert.doesNotMatch(judgeTax(NO_TAX).measured, /the rule holds/);
  });

  it("is not met where healthy subscribers did not receive everything, whatever the times say", () => {
    assert.equal(verdict({ delivered: { cell: 0.999, control: 0.999 } }), "met");
    assert.equal(verdict({ delivered: { cell: 0.9989, control: 1 } }), "missed");
    assert.equal(verdict({ delivered: { cell: 1, control: 0.9989 } }), "not measured");
  });

  it("says that a point beyond the bound does not rule out that there is no tax", () => {
    const missed = judgeTax({ ...NO_TAX, ratio: 1.3, interval: { low: 1.01, high: 1.6 }, differenceMs: 1 });
    assert.match(missed.measured, /does not rule out/);
  });

  it("has a row for every kind and number of slow clients, measured or not", () => {
    const goals = goalsOf([]).filter(({ goal }) => /^tax beside/.test(goal));
    assert.equal(goals.length, 15);
    assert.ok(goals.every((goal) => goal.verdict === "not measured"));
  });

  it("compares reconnecting clients with their own control", () => {
    const goal = find(judge(gather([fullResults()])), /^tax beside 10 reconnecting$/);
    assert.deepEqual(goal.cells, ["tax/spillway/10-reconnecting", "tax/spillway/10-draining-reconnecting"]);
  });

  it("is not measured where the cell could not run, with the reason", () => {
    const load = { ...LOAD, slow: 1, slowKind: "sigstop" } as const;
    const goals = goalsOf([cell("a", { load, control: "b", unavailable: "no such signal here" })]);
    const goal = find(goals, /^tax beside 1 SIGSTOP$/);
    assert.equal(goal.verdict, "not measured");
    assert.match(goal.measured, /no such signal here/);
  });
});

describe("the CPU goals", () => {
  const costs = (system: string, burst: number, cost: number, healthy = 100, rate = 500): Cell =>
    cell(`cpu/${system}/${burst}/${healthy}`, {
      scenario: "cpu",
      system,
      load: { ...LOAD, burst, healthy, rate },
      trials: [0, 1, 2].map((block) => trial({ block, samples: 1, cpuMicros: 500_000 * cost })),
    });

  it("are met at their bounds and missed beyond them", () => {
    for (const [system, burst, bound] of [
      ["fire-and-forget", 16, 0.1],
      ["http2", 16, 1.5],
      ["fire-and-forget", 1, 1.1],
      ["http2", 1, 1.4],
    ] as const) {
      const goal = (factor: number) =>
        find(
          goalsOf([costs("spillway", burst, factor), costs(system, burst, 1)]),
          new RegExp(`spillway : ${system}`),
        );
      assert.equal(goal(bound).verdict, "met", `${system} ${burst}`);
      assert.equal(goal(bound * 1.01).verdict, "missed", `${system} ${burst}`);
    }
  });

  it("are not measured against a system that could not run, with the reason", () => {
    const goal = find(goalsOf([costs("spillway", 16, 1)]), /ours : nats/);
    assert.equal(goal.verdict, "not measured");
    assert.match(goal.measured, /not on the PATH/);
  });

  it("compare only what was under the same load", () => {
    const goals = goalsOf([costs("spillway", 16, 1), costs("http2", 64, 1)]);
    assert.equal(find(goals, /ours : http2, 16/).verdict, "not measured");
  });

  it("hold 1,000 subscribers against 100 at equal deliveries per second, and say so", () => {
    const goal = (cost: number, rate = 50) =>
      find(
        goalsOf([costs("spillway", 16, 1), costs("spillway", 16, cost, 1_000, rate)]),
        /1,000 : 100 subscribers, at equal deliveries per second/,
      );
    assert.equal(goal(1, 500).verdict, "not measured");
    assert.equal(goal(1.2).verdict, "met");
    assert.equal(goal(1.21).verdict, "missed");
  });

  it("give no verdict where the two were offered different rates", () => {
    const goals = goalsOf([costs("spillway", 16, 1, 100, 1_600), costs("http2", 16, 1)]);
    const goal = find(goals, /spillway : http2/);
    assert.equal(goal.verdict, "not measured");
    assert.match(goal.measured, /offered different rates: 160,000 and 50,000 deliveries/);
    const even = goalsOf([costs("spillway", 16, 1), costs("http2", 16, 1)]);
    assert.equal(find(even, /spillway : http2/).verdict, "met");
  });

  it("are undecided when single blocks lie on the other side of the bound", () => {
    const mixed = cell("cpu/mixed", {
      scenario: "cpu",
      load: { ...LOAD, burst: 1 },
      trials: [1, 1, 1.5].map((cost, block) => trial({ block, samples: 1, cpuMicros: 500_000 * cost })),
    });
    const goal = find(goalsOf([mixed, costs("http2", 1, 1)]), /spillway : http2/);
    assert.equal(goal.verdict, "undecided");
    assert.match(goal.measured, /other side of the bound/);
  });
});

describe("the goals of the engine", () => {
  const table = (many: number, few = 90, margin = 0): MicroTable => ({
    name: "fan-out, drop-oldest, 16 a turn",
    operation: "one message",
    rows: [
      { name: "100 subscribers", nanoseconds: few, marginPercent: margin },
      { name: "10000 subscribers", nanoseconds: many, marginPercent: margin },
    ],
  });

  it("are met at their bounds and missed beyond them", () => {
    assert.equal(find(goalsOf([], [table(100)]), /drop-oldest, 10,000 subscribers/).verdict, "met");
    assert.equal(find(goalsOf([], [table(101)]), /drop-oldest, 10,000 subscribers/).verdict, "missed");
    assert.equal(find(goalsOf([], [table(130, 100)]), /10,000 beside 100/).verdict, "met");
    assert.equal(find(goalsOf([], [table(131, 100)]), /10,000 beside 100/).verdict, "missed");
  });

  it("are undecided where the margin reaches over the bound, from either side", () => {
    const cost = (many: number) => find(goalsOf([], [table(many, 90, 5)]), /drop-oldest, 10,000 subscribers/);
    assert.equal(cost(98).verdict, "undecided");
    assert.match(cost(98).measured, /margin/);
    assert.equal(cost(102).verdict, "undecided");
    assert.equal(cost(80).verdict, "met");
    assert.equal(find(goalsOf([], [table(125, 100, 5)]), /10,000 beside 100/).verdict, "undecided");
  });

  it("are stated, not met, where there is no bound", () => {
    const conflate = { ...table(500), name: "fan-out, conflate, 16 a turn" };
    assert.equal(find(goalsOf([], [conflate]), /conflate, 10,000 subscribers$/).verdict, "stated");
  });

  it("are not measured without the micro-benchmarks", () => {
    assert.equal(find(goalsOf([]), /^publish\(\) p99/).verdict, "not measured");
    assert.equal(find(goalsOf([]), /^catching up/).verdict, "not measured");
  });
});

describe("the goals of the closed loop", () => {
  const goal = (wanted: RegExp, spillway: number, margin = 0): Goal => {
    const row = (name: string, nanoseconds: number) => ({ name, nanoseconds, marginPercent: margin });
    const table: MicroTable = {
      name: "server CPU, closed loop",
      operation: "one message",
      rows: [16, 1].flatMap((waiting) => [
        row(`spillway, ${waiting} waiting`, spillway),
        row(`plain grpc-js, ${waiting} waiting`, 1_000),
        row(`raw node:http2, ${waiting} waiting`, 1_000),
      ]),
    };
    return find(goalsOf([], [table]), wanted);
  };

  it("are met at their bounds and missed beyond them", () => {
    for (const [wanted, bound] of [
      [/^server CPU.*: plain grpc-js, 16 waiting/, 100],
      [/^server CPU.*: raw node:http2, 16 waiting/, 1_500],
      [/^server CPU.*: plain grpc-js, 1 waiting/, 1_100],
      [/^server CPU.*: raw node:http2, 1 waiting/, 1_400],
    ] as const) {
      assert.equal(goal(wanted, bound).verdict, "met");
      assert.equal(goal(wanted, bound + 1).verdict, "missed");
    }
  });

  it("say when the margins reach over the bound, and stand on their table", () => {
    const wanted = /^server CPU.*: plain grpc-js, 1 waiting/;
    assert.match(goal(wanted, 1_090, 3).measured, /margins reach/);
    assert.doesNotMatch(goal(wanted, 900, 3).measured, /margins reach/);
    assert.deepEqual(goal(wanted, 900).cells, ["server CPU, closed loop"]);
  });

  it("are not measured without the table", () => {
    assert.equal(find(goalsOf([]), /^server CPU.*: plain grpc-js, 16/).verdict, "not measured");
  });
});

describe("the goals of memory and loop delay", () => {
  const idle = (system: string, bytes: number): Cell =>
    cell(`memory/${system}`, {
      scenario: "memory",
      system,
      trials: [trial({ extra: { idleHeapBytes: bytes } })],
    });

  it("count what an idle subscription costs beyond plain grpc-js", () => {
    const goal = (bytes: number) =>
      find(goalsOf([idle("spillway", bytes), idle("fire-and-forget", 20_000)]), /^heap of an idle/).verdict;
    assert.equal(goal(23_000), "met");
    assert.equal(goal(23_001), "missed");
  });

  it("hold a stalled subscription against the bound that the results give", () => {
    const stalled = (bytes: number): Cell =>
      cell("memory/stalled", {
        scenario: "memory",
        load: { ...LOAD, slow: 1_000, slowKind: "paused" },
        trials: [trial({ extra: { stalledHeapBytes: bytes, stalledBoundBytes: 50_000 } })],
      });
    assert.equal(find(goalsOf([stalled(50_000)]), /^heap of a stalled/).verdict, "met");
    assert.equal(find(goalsOf([stalled(50_001)]), /^heap of a stalled/).verdict, "missed");
  });

  it("give no verdict on loop delay when the results do not say its bound", () => {
    const many = { ...LOAD, healthy: 10_000 };
    const trials = [0, 1, 2].map((block) => trial({ block }));
    const goal = find(goalsOf([cell("crowd", { scenario: "crowd", load: many, trials })]), /^loop delay/);
    assert.equal(goal.verdict, "not measured");
    assert.match(goal.measured, /p99 .* ms/);
  });
});

describe("the check of the benchmark itself", () => {
  const goal = (received: number): Goal =>
    find(
      goalsOf([
        cell("a", {
          system: "sequential-await",
          load: { ...LOAD, slow: 1, slowKind: "sigstop" },
          trials: [trial({ received })],
        }),
      ]),
      /^sequential-await stops beside a stopped client$/,
    );

  it("is met when waiting for each subscriber fails, and missed when it does not", () => {
    assert.equal(goal(100_000).verdict, "met");
    assert.equal(goal(500_000).verdict, "missed");
  });
});
