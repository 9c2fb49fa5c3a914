import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ConfigTrial, KindFigures } from "../../../bench/config-results.ts";
import { compareFigure } from "../../../bench/report/config/compare.ts";
import type { Figure } from "../../../bench/report/config/figures.ts";
import { configFigures, configReport } from "../../../bench/report/index.ts";
import {
  config,
  configResults,
  HEALTHY,
  kindFigures,
  SLOW,
  serverFigures,
  times,
  trial,
} from "./synthetic.ts";

const plain = { colours: false };

/** Trials of one configuration, one for each of these figures of the slow kind. */
function trials(...slow: readonly KindFigures[]): readonly ConfigTrial[] {
  return slow.map((figures, block) => trial(block, { [HEALTHY.id]: kindFigures(), [SLOW.id]: figures }));
}

const dropping = (count: number) =>
  kindFigures(
    { delivered: 1_000, dropped: { overflow: count }, waiting: 1_000 - count },
    { read: 900, age: times(4_000), outOfDate: times(4_000) },
  );
const conflating = kindFigures(
  { delivered: 1_000, conflated: 1_000 },
  { read: 950, age: times(400), outOfDate: times(500) },
  "conflate",
);

const sideBySide = () =>
  configResults(
    [
      config("A", trials(dropping(600), dropping(700)), {
        "hub.overflow": "drop-oldest",
        "hub.queue.bytes": "1MiB",
      }),
      config("B", trials(conflating, conflating), { "hub.overflow": "conflate", "hub.queue.bytes": "1MiB" }),
    ],
    [HEALTHY, SLOW],
  );

describe("the report of configurations", () => {
  it("has a column for each, and what the second is of the first", () => {
    const report = configReport(sideBySide(), plain);
    assert.match(report, /A: +B: +B +single\n +a\.yaml +b\.yaml +÷ A +blocks/);
    assert.match(report, /others: slow, reads 100\/s × 1\n/);
    assert.match(report, / read, % of published +45\.0 +47\.5 +1\.06×/);
    assert.match(report, / dropped \(overflow\) +650 +0 +0× +0×, 0×$/m);
    assert.match(report, / conflated +0 +1,000 *$/m);
    assert.match(
      report,
      /age when read, ms: p50 \/ p99 \/ max +4,002 \/ 4,002 \/ 4,002 +400 \/ 400 \/ 400 +0\.1/,
    );
  });

  it("tells what differs between them, and nothing else", () => {
    const [differences = ""] = configReport(sideBySide(), plain).split("How clients");
    assert.match(differences, /hub\.overflow +drop-oldest +conflate/);
    assert.doesNotMatch(differences, /hub\.queue/);
  });

  it("says so when nothing differs", () => {
    const same = configResults(
      [config("A", trials(dropping(1))), config("B", trials(dropping(1)))],
      [HEALTHY, SLOW],
    );
    assert.match(configReport(same, plain), /every option counts the same in all/);
  });

  it("tells how clients were treated, once where that is the same", () => {
    const table = configReport(sideBySide(), plain).split("How clients were treated")[1]!;
    assert.match(table, /^others +bench +A, B +· +· +drop-oldest +1024 \/ 1MiB +· +stalledFor 1m: evict$/m);
    assert.match(
      table,
      /Out of reach in 10 s, of which the frozen are frozen for 5 s: stalledFor 1m: evict\./,
    );
  });

  it("leaves out what is 0 for all, but for what everybody asks about", () => {
    const report = configReport(sideBySide(), plain);
    for (const absent of ["expired", "evicted", "trimmed", "parked", "on a rung"]) {
      assert.doesNotMatch(report, new RegExp(`^ +${absent}`, "m"));
    }
    assert.match(report, /memory: retained at most, MB +0 +0/);
  });

  it("says what the load was, and how much the figures can carry", () => {
    const few = configReport(sideBySide(), plain).replaceAll("\n", " ");
    assert.match(few, /1,000 messages of 512 B a second on the topic bench, in 250 turns a second, for 10 s/);
    assert.match(
      few,
      /2 trials each of 10 s, in fresh processes, in blocks, in an order by seed 1\. .* too few/,
    );
    const once = configResults([config("A", trials(dropping(1)))], [HEALTHY, SLOW]);
    assert.match(configReport(once, plain), /A single short run: 1 trial of 10 s/);
    const five = Array.from({ length: 5 }, () => dropping(1));
    const many = configResults([config("A", trials(...five)), config("B", trials(...five))], [HEALTHY, SLOW]);
    assert.match(configReport(many, plain), /5 trials each .*its 95 %\s+interval/s);
  });

  it("names those for whom nothing differs: what their figures differ by was not configured", () => {
    const control = /Every option counts the same in all for: others\./;
    const [a, b] = [config("A", trials(dropping(1))), config("B", trials(dropping(2)))];
    assert.match(configReport(configResults([a, b], [HEALTHY, SLOW]), plain), control);
    assert.doesNotMatch(configReport(configResults([a], [HEALTHY, SLOW]), plain), control);
    assert.doesNotMatch(configReport(sideBySide(), plain), control);
  });

  it("warns when the schedule itself was late", () => {
    const late = trial(
      0,
      { [HEALTHY.id]: kindFigures() },
      { server: serverFigures({ lateness: times(80) }) },
    );
    assert.match(
      configReport(configResults([config("A", [late])], [HEALTHY]), plain),
      /The machine was busy: .*80/,
    );
    assert.doesNotMatch(configReport(sideBySide(), plain), /The machine was busy/);
  });

  it("does not count trials with problems", () => {
    const spoilt = trial(
      1,
      { [SLOW.id]: dropping(900) },
      { problems: ["the books of the hub do not balance"] },
    );
    const results = configResults([config("A", [...trials(dropping(600)), spoilt])], [HEALTHY, SLOW]);
    assert.match(configReport(results, plain), /dropped \(overflow\) +600/);
    const none = configResults([config("A", trials(dropping(600))), config("B", [spoilt])], [HEALTHY, SLOW]);
    assert.match(configReport(none, plain), /No trial of B counts/);
  });

  it("shows one configuration with the range of its trials", () => {
    const results = configResults([config("A", trials(dropping(600), dropping(700)))], [HEALTHY, SLOW]);
    assert.match(configReport(results, plain), /dropped \(overflow\) +650 +\[600–700\]/);
  });

  it("stays within the width that it is given", () => {
    for (const line of configReport(sideBySide(), { colours: false, width: 110 }).split("\n")) {
      assert.ok(line.length <= 110, `${line.length}: ${line}`);
    }
  });

  it("has its figures as numbers too", () => {
    const figures = configFigures(sideBySide());
    const dropped = figures.find(({ of, figure }) => of === SLOW.id && figure === "dropped (overflow)");
    assert.deepEqual(
      dropped?.compared.map(({ value, ratio }) => [value, ratio]),
      [
        [650, undefined],
        [0, 0],
      ],
    );
    assert.ok(figures.some(({ of, figure }) => of === "server" && figure === "memory: RSS growth, MB"));
  });
});

describe("a figure of several configurations", () => {
  const sum: Figure<number> = { name: "sum", text: String, part: (value) => value };
  const quantile: Figure<number> = {
    name: "p99",
    text: String,
    histogram: (value) => times(value, 1_000),
    q: 0.99,
    distinct: () => 500,
  };
  const samples = (...values: readonly number[]) => values.map((figures, block) => ({ block, figures }));

  it("is compared by the blocks that both have", () => {
    const second = [
      { block: 0, figures: 20 },
      { block: 2, figures: 60 },
    ];
    const [, compared] = compareFigure(sum, [samples(10, 1_000, 20), second], 1);
    assert.deepEqual([compared?.value, compared?.ratio], [40, 80 / 30]);
    assert.deepEqual([compared?.blocks, compared?.interval], [[2, 3], undefined]);
  });

  it("has an interval from five blocks on, the same for the same seed", () => {
    const all = [samples(10, 11, 9, 10, 12), samples(20, 23, 19, 20, 22)];
    const [, compared] = compareFigure(sum, all, 7);
    const { low, high } = compared!.interval!;
    assert.ok(
      low > 1.9 && low <= compared!.ratio! && high >= compared!.ratio! && high < 2.2,
      `${low} to ${high}`,
    );
    assert.deepEqual(compareFigure(sum, all, 7)[1], compared);
  });

  it("has no spread with one block, and no ratio to nothing", () => {
    assert.deepEqual(compareFigure(sum, [samples(5), samples(10)], 1)[1], {
      value: 10,
      range: undefined,
      ratio: 2,
      blocks: [],
      interval: undefined,
    });
    assert.equal(compareFigure(sum, [samples(0), samples(10)], 1)[1]?.ratio, undefined);
    assert.equal(compareFigure(sum, [[], samples(10)], 1)[0]?.value, undefined);
  });

  it("is a quantile of merged histograms, and of none that has too few messages behind it", () => {
    const [one, two] = compareFigure(quantile, [samples(10), samples(10, 30)], 1);
    assert.equal(one?.value, undefined, "500 messages are too few for a p99");
    assert.equal(Math.round(two!.value! / 1_000), 30);
  });
});
