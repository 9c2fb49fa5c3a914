/**
 * The tables of a run with `--config`: what differs between the configurations, how each treated whom, and what came of it,
 * a column for each.
 *
 * @module
 */
import type {
  ConfigLoad,
  ConfigResults,
  ConfigTrial,
  Kind,
  MeasuredConfig,
  Stretch,
  Treatment,
} from "../../config-results.ts";
import { decode, merge, quantile } from "../distribution.ts";
import { BLOCKS_FOR_INTERVAL, type Interval } from "../statistics.ts";
import { type Column, type Row, type Table, tableOf } from "../table.ts";
import {
  milliseconds,
  NOT_KNOWN,
  NOTHING,
  number,
  ratio,
  interval as ratioInterval,
  size,
  whole,
} from "../text.ts";
import { type Compared, compareFigure, type Sample } from "./compare.ts";
import { type Figure, kindFigures, SERVER_FIGURES } from "./figures.ts";

/** One line of the comparison, as numbers. */
export interface FigureRow {
  /** The id of a kind, or `server`. */
  readonly of: string;
  readonly figure: string;
  /** One for each configuration. */
  readonly compared: readonly Compared[];
  readonly text: (value: number) => string;
  /** See {@link Figure}. */
  readonly line: string | undefined;
}

/** Of the trials that count. Figures that are 0 for all are left out, but for the first ones. */
export function figureRows({ kinds, configs, seed }: ConfigResults): readonly FigureRow[] {
  const counted = configs.map(validTrials);
  const all = counted.flat().flatMap((trial) => Object.values(trial.kinds));
  return [
    ...kinds.flatMap((kind) => {
      const samples = counted.map((trials) => samplesOf(trials, (trial) => trial.kinds[kind.id]));
      return rowsOf(kind.id, kindFigures(all, kind.name === "returning"), samples, seed);
    }),
    ...rowsOf(
      "server",
      SERVER_FIGURES,
      counted.map((trials) => samplesOf(trials, ({ server }) => server)),
      seed,
    ),
  ];
}

function rowsOf<T>(
  of: string,
  figures: readonly Figure<T>[],
  samples: readonly (readonly Sample<T>[])[],
  seed: number,
): readonly FigureRow[] {
  return figures
    .map((figure) => ({ figure, compared: compareFigure(figure, samples, seed) }))
    .filter(({ figure, compared }) => figure.always || compared.some(({ value = 0 }) => value !== 0))
    .map(({ figure: { name, text, line }, compared }) => ({ of, figure: name, text, line, compared }));
}

function samplesOf<T>(
  trials: readonly ConfigTrial[],
  of: (trial: ConfigTrial) => T | undefined,
): readonly Sample<T>[] {
  return trials.flatMap((trial) => {
    const figures = of(trial);
    return figures === undefined ? [] : [{ block: trial.block, figures }];
  });
}

export function validTrials({ trials }: MeasuredConfig): readonly ConfigTrial[] {
  return trials.filter(({ problems }) => problems.length === 0);
}

export function figuresTable(results: ConfigResults): Table {
  const { configs, kinds } = results;
  const rows = figureRows(results);
  const columns: Column[] = [{ title: "", align: "left" }];
  const spread = fewestTrials(results) < BLOCKS_FOR_INTERVAL ? "single blocks" : "95 %";
  for (const [index, config] of configs.entries()) {
    columns.push({ title: nameOf(config), align: "right" });
    if (index > 0) {
      columns.push({ title: `${config.letter} ÷ A`, align: "right" }, { title: spread, align: "left" });
    } else if (configs.length === 1) columns.push({ title: "trials", align: "left" });
  }
  const heading = (text: string): Row => ({ cells: [text, ...columns.slice(1).map(() => " ")] });
  const lines = (of: string) =>
    linesOf(rows.filter((row) => row.of === of)).map((line) => rowOf(line, configs.length));
  return {
    title: configs.length === 1 ? "What came of it" : "What came of it, side by side",
    notes: [],
    columns,
    rows: [
      ...kinds.flatMap((kind) => [heading(describeKind(kind)), ...lines(kind.id)]),
      heading("server"),
      ...lines("server"),
    ],
  };
}

/** Rows that stand on one line, together. */
function linesOf(rows: readonly FigureRow[]): readonly (readonly FigureRow[])[] {
  const lines = new Map<string, FigureRow[]>();
  for (const row of rows)
    lines.set(row.line ?? row.figure, [...(lines.get(row.line ?? row.figure) ?? []), row]);
  return [...lines.values()];
}

function rowOf(line: readonly FigureRow[], configs: number): Row {
  const telling = line.find(({ figure }) => figure.includes("p99")) ?? line[0]!;
  const cells = telling.compared.flatMap(({ range, ratio: by, blocks, interval }, index) => {
    const cell = line.map(({ compared, text }) => textOf(compared[index]!, text)).join(" / ");
    if (index > 0) return [cell, by === undefined ? " " : ratio(by), spreadText(blocks, interval)];
    return configs > 1 ? [cell] : [cell, range === undefined ? " " : rangeText(range, telling.text)];
  });
  return { cells: [`  ${telling.line ?? telling.figure}`, ...cells] };
}

function spreadText(blocks: readonly number[], interval: Interval | undefined): string {
  if (interval !== undefined) return ratioInterval(interval);
  return blocks.length === 0 ? " " : blocks.map(ratio).join(", ");
}

function textOf({ value }: Compared, text: (value: number) => string): string {
  return value === undefined ? NOT_KNOWN : text(value);
}

function rangeText({ low, high }: Interval, text: (value: number) => string): string {
  return `[${text(low)}–${text(high)}]`;
}

export function describeKind({ group, name, subscribers, readsPerSecond }: Kind): string {
  const what = readsPerSecond === undefined ? name : `slow, reads ${plain(readsPerSecond)}/s`;
  return `${group}: ${what} × ${subscribers}`;
}

/** Options that do not count the same in all of them. `undefined` with one configuration. */
export function differencesTable({ configs }: ConfigResults): Table | undefined {
  if (configs.length < 2) return undefined;
  const paths = [...new Set(configs.flatMap(({ effective }) => Object.keys(effective)))];
  const different = paths.filter((path) => new Set(configs.map(({ effective }) => effective[path])).size > 1);
  const table = tableOf(
    "What differs",
    [
      { title: "option", align: "left", of: (path: string) => path },
      ...configs.map((config) => ({
        title: nameOf(config),
        align: "left" as const,
        of: (path: string) => config.effective[path] ?? "not said",
      })),
    ],
    different,
  );
  return different.length > 0
    ? table
    : { ...table, notes: ["Nothing: every option counts the same in all."] };
}

interface Treated {
  readonly group: string;
  readonly topic: string;
  /** Letters of the configurations that treat them so. */
  readonly configs: string;
  readonly treatment: Treatment;
}

/** How each group was treated, a row for each treatment that differs. */
export function treatmentTable({ groups, configs, kinds }: ConfigResults): Table {
  const rows = groups.flatMap(({ name, topic }) => {
    const own = kinds.filter(({ group }) => group === name).map(({ id }) => id);
    const byText = new Map<string, Treated>();
    for (const { letter, trials } of configs) {
      const treatment = trials.flatMap((trial) => own.flatMap((id) => trial.kinds[id]?.treatment ?? []))[0];
      if (treatment === undefined) continue;
      const text = JSON.stringify(treatment);
      const known = byText.get(text);
      const letters = known === undefined ? letter : `${known.configs}, ${letter}`;
      byText.set(text, { group: name, topic, configs: letters, treatment });
    }
    return [...byText.values()];
  });
  return tableOf<Treated>(
    "How clients were treated",
    [
      { title: "clients", align: "left", of: ({ group }) => group },
      { title: "topic", align: "left", of: ({ topic }) => topic },
      ...(configs.length > 1
        ? [{ title: "config", align: "left" as const, of: ({ configs: letters }: Treated) => letters }]
        : []),
      { title: "class", align: "left", of: ({ treatment }) => treatment.class ?? NOTHING },
      { title: "pattern", align: "left", of: ({ treatment }) => treatment.pattern ?? NOTHING },
      { title: "policy", align: "left", of: ({ treatment }) => treatment.overflow },
      { title: "queue", align: "left", of: ({ treatment }) => treatment.queue },
      { title: "retained", align: "left", of: ({ treatment }) => treatment.retention ?? NOTHING },
      { title: "escalation", align: "left", of: ({ treatment }) => treatment.rungs.join("; ") },
    ],
    rows,
  );
}

/** What was published and what clients did, in sentences. */
export function describeLoad({
  topics,
  rate,
  burst,
  payloadBytes,
  keys,
  seconds,
  frozen,
  away,
}: ConfigLoad): string[] {
  const on = topics.length === 1 ? `on the topic ${topics[0]}` : `on each of ${topics.length} topics`;
  const span = ({ fromMs, toMs }: Stretch) => `${plain(fromMs / 1_000)} to ${plain(toMs / 1_000)} s`;
  return [
    `${whole(rate)} messages of ${size(payloadBytes)} a second ${on}, in ${number((rate * topics.length) / burst)} turns ` +
      `a second, for ${plain(seconds)} s, whatever becomes of them. ${keys} keys, each with a new value every ` +
      `${number((1_000 * keys) / rate)} ms.`,
    `Healthy clients read at once, slow ones at the rate given. Those frozen are stopped from ${span(frozen)}; those ` +
      `returning are gone from ${away.map(span).join(" and ")}, and come back with their position.`,
  ];
}

function fewestTrials({ configs }: Pick<ConfigResults, "configs">): number {
  return Math.min(...configs.map((config) => validTrials(config).length));
}

/** How much the figures can carry. */
export function describeTrials({ configs, seed, load }: ConfigResults): string[] {
  const fewest = fewestTrials({ configs });
  if (fewest === 0) {
    const none = configs.filter((config) => validTrials(config).length === 0).map(({ letter }) => letter);
    return [`No trial of ${none.join(", ")} counts: see below.`];
  }
  const each = configs.length > 1 ? " each" : "";
  const trials = `${fewest} ${fewest === 1 ? "trial" : "trials"}${each} of ${plain(load.seconds)} s, in fresh processes`;
  if (fewest === 1)
    return [`A single short run: ${trials}. It shows a direction at best; --trials 5 says how sure it is.`];
  const order = configs.length > 1 ? `, in blocks, in an order by seed ${seed}` : "";
  return [`${trials}${order}. ${describeSpread(configs.length, fewest)}`];
}

function describeSpread(configs: number, trials: number): string {
  if (configs === 1) return "In brackets: the least and the most of single trials.";
  return trials < BLOCKS_FOR_INTERVAL
    ? `Beside each ratio stands what single blocks say: ${trials} are too few for an interval, --trials 5 gives one.`
    : "Beside each ratio stands its 95 % interval, by drawing other blocks from those there are.";
}

/** Groups that were treated alike are a control: nothing that was configured differs for them. */
export function describeControls(results: ConfigResults): string[] {
  const { configs, groups, kinds } = results;
  if (configs.length < 2) return [];
  const alike = groups.filter(({ name }) => {
    const own = kinds.filter(({ group }) => group === name).map(({ id }) => id);
    const treatments = configs.flatMap(({ trials }) =>
      trials.flatMap((trial) => own.flatMap((id) => trial.kinds[id]?.treatment ?? [])),
    );
    return new Set(treatments.map((treatment) => JSON.stringify(treatment))).size === 1;
  });
  if (alike.length === 0) return [];
  return [
    `Treated alike in all: ${alike.map(({ name }) => name).join(", ")}. Where their figures differ, that is chance, or what ` +
      "the others cost them.",
  ];
}

/** A schedule that is so late says that something else kept the machine busy, or that the load is too much for it. */
const LATE_MICROS = 20_000;

export function describeLateness({ configs }: ConfigResults): string[] {
  const late = configs.flatMap((config) => {
    const schedules = validTrials(config).flatMap(({ server }) =>
      server === undefined ? [] : [decode(server.lateness)],
    );
    const p99 = quantile(merge(schedules), 0.99) ?? 0;
    return p99 > LATE_MICROS ? [`${milliseconds(p99)} ms for ${config.letter}`] : [];
  });
  if (late.length === 0) return [];
  return [
    `The machine was busy: a hundredth of the messages was published late by ${late.join(", ")} or more, and every age ` +
      "has that in it. Measure again when nothing else runs, or with a lower --rate.",
  ];
}

/** Rungs that the load is too short for. */
export function describeUnreached({ configs, load }: ConfigResults): string[] {
  const rungs = new Set(
    configs.flatMap(({ trials }) =>
      trials.flatMap(({ kinds }) => Object.values(kinds).flatMap(({ treatment }) => treatment.unreached)),
    ),
  );
  if (rungs.size === 0) return [];
  const frozenSeconds = (load.frozen.toMs - load.frozen.fromMs) / 1_000;
  return [
    `Out of reach in ${plain(load.seconds)} s, of which the frozen are frozen for ${plain(frozenSeconds)} s: ` +
      `${[...rungs].join("; ")}. --seconds makes it longer.`,
  ];
}

/** Of what was set, and so comes out even. */
function plain(value: number): string {
  return String(Math.round(value * 1_000) / 1_000);
}

function nameOf({ letter, file }: MeasuredConfig): string {
  return `${letter}: ${file}`;
}
