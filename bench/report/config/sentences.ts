/**
 * What stands above the figures: what was measured, and how much it can carry.
 *
 * @module
 */
import type { ConfigLoad, ConfigResults, Stretch } from "../../config-results.ts";
import { decode, merge, quantile } from "../distribution.ts";
import { BLOCKS_FOR_INTERVAL } from "../statistics.ts";
import { milliseconds, number, size, whole } from "../text.ts";
import { fewestTrials, validTrials } from "./rows.ts";
import { plain } from "./words.ts";

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

/** Groups for which every option counts the same are a control. */
export function describeControls({ configs, groups }: ConfigResults): string[] {
  if (configs.length < 2) return [];
  const alike = groups.filter(
    ({ name }) => new Set(configs.map(({ counting }) => JSON.stringify(counting[name]))).size === 1,
  );
  if (alike.length === 0) return [];
  return [
    `Every option counts the same in all for: ${alike.map(({ name }) => name).join(", ")}. Where their figures differ, that is chance, or what ` +
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
