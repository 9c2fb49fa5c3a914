import type { QueueBounds } from "../protocol/index.ts";
import type { Rung } from "./escalation.ts";
import { intersection, type Level, type Levels } from "./levels.ts";
import {
  type SubscriberSettings,
  subscriberSettings,
  subscriberStack,
  topicSettings,
  voiceFor,
} from "./rules.ts";

/** Something that is wrong with an option although its type and range are right. */
export interface OptionProblem {
  /** The option at fault; empty for the hub as a whole. */
  readonly path: readonly string[];
  /** What was expected, what came, and what to do about it. */
  readonly message: string;
}

/**
 * What contradicts itself in any combination of levels that can count for a subscription, each contradiction once. The
 * option that is told is the one said at the highest of the levels that take part.
 */
export function contradictions(levels: Levels): readonly OptionProblem[] {
  const found = new Map<string, OptionProblem>();
  const seen = new Set<string>();
  const named = overlaps(levels.topics.map(({ pattern }) => pattern));
  // Where there is a pattern for all, no subscription is without one.
  const patterns = named.includes(">") ? named : [undefined, ...named];
  const classes = [undefined, ...levels.classes.map(({ name }) => name)];
  for (const pattern of patterns) {
    for (const className of classes) {
      // All is covered by nothing less.
      const stack = subscriberStack(levels, [pattern ?? ">"], className);
      const name = JSON.stringify([pattern === undefined, stack.map(({ path }) => path)]);
      if (seen.has(name)) continue;
      seen.add(name);
      for (const problem of problemsOf(stack, pattern, levels)) {
        found.set(JSON.stringify([problem.path, problem.message]), problem);
      }
    }
  }
  return [...found.values()];
}

/** Beyond so many combinations of patterns the rest is not looked at: nobody writes them by hand, and a reload must not take long. */
const MOST_OVERLAPS = 500;

/** The patterns, and what they have in common: a subscription there has several of them in its stack. */
function overlaps(patterns: readonly string[]): readonly string[] {
  const found = new Set(patterns);
  for (const one of found) {
    for (const other of patterns) {
      if (found.size >= patterns.length + MOST_OVERLAPS) return [...found];
      const both = intersection(one, other);
      if (both !== undefined) found.add(both);
    }
  }
  return [...found];
}

function* problemsOf(stack: Level, pattern: string | undefined, levels: Levels): Iterable<OptionProblem> {
  const settings = subscriberSettings(stack);
  yield* ofWatermarks(stack, settings);
  yield* ofQueues(stack, settings);
  yield* ofRungs(stack, settings.escalation);
  yield* ofParking(stack, settings, pattern, levels);
}

function* ofWatermarks(
  stack: Level,
  { watermarks: { high, low } }: SubscriberSettings,
): Iterable<OptionProblem> {
  if (low <= high) return;
  const path = pathOf(stack, ["watermarks", "low"], ["watermarks", "high"]);
  yield {
    path,
    message: `expected a low watermark of at most the high one, got low ${low} and high ${high}`,
  };
}

/** At one level: a level may well allow less than what those below it say for all. */
function* ofQueues(stack: Level, { queue, maxQueue }: SubscriberSettings): Iterable<OptionProblem> {
  for (const bound of ["messages", "bytes"] as const) {
    const voice = voiceFor(stack, "maxQueue", bound);
    if (queue[bound] <= maxQueue[bound] || voice !== voiceFor(stack, "queue", bound)) continue;
    yield {
      path: pathOf(stack, ["queue", bound], ["maxQueue", bound]),
      message: `expected a queue of at most maxQueue, which is ${maxQueue[bound]} ${bound}, got ${queue[bound]}`,
    };
  }
}

/** A rung that asks for less than a milder one before it is never left for that one. */
function* ofRungs(stack: Level, rungs: readonly Rung[]): Iterable<OptionProblem> {
  for (const [index, rung] of rungs.entries()) {
    const milder = rungs.findIndex((other, at) => at < index && isNeverReached(other, rung));
    if (milder < 0) continue;
    yield {
      path: [...pathOf(stack, ["escalation"]), String(milder)],
      message:
        `expected rungs from mild to strict, but rung ${index + 1} (${describe(rung)}) already holds whenever rung ` +
        `${milder + 1} (${describe(rungs[milder]!)}) does: put them in order, or leave one out`,
    };
  }
}

/** Whenever `milder` holds, `stricter` holds as well, and counts. */
function isNeverReached(milder: Rung, stricter: Rung): boolean {
  return Object.entries(stricter.when).every(([condition, least]) => {
    const other = milder.when[condition as keyof Rung["when"]];
    return least === undefined || (other !== undefined && other >= least);
  });
}

function describe({ when, policy }: Rung): string {
  const conditions = Object.entries(when).filter(([, least]) => least !== undefined);
  return `${conditions.map(([condition, least]) => `${condition} ${least}`).join(", ")}: ${policy}`;
}

function* ofParking(
  stack: Level,
  { overflow, escalation, queue }: SubscriberSettings,
  pattern: string | undefined,
  levels: Levels,
): Iterable<OptionProblem> {
  const rung = escalation.findIndex(({ policy }) => policy === "park");
  if (overflow !== "park" && rung < 0) return;
  const path =
    overflow === "park"
      ? pathOf(stack, ["overflow"])
      : [...pathOf(stack, ["escalation"]), String(rung), "policy"];
  const retained = retainedFor(pattern, levels);
  if (retained.length === 0) {
    const where = pattern === undefined ? "the option retention" : `retention for the topics ${pattern}`;
    yield { path, message: `park reads on from a replay log, and nothing is retained: set ${where}` };
    return;
  }
  for (const bound of ["messages", "bytes"] as const) {
    const least = smallest(retained, bound);
    if (least === undefined || least >= queue[bound]) continue;
    yield {
      path: pathOf(stack, ["queue", bound], ["overflow"]),
      message:
        `expected a queue no larger than the replay log that park reads on from, which retains ${least} ${bound}, ` +
        `got ${queue[bound]}: whoever reads slowly would find the log trimmed before its queue is empty`,
    };
  }
}

type Logs = readonly NonNullable<ReturnType<typeof topicSettings>["retention"]>[];

/** For a pattern what its own topics retain; for the hub what it retains itself, else what any of its patterns do. */
function retainedFor(pattern: string | undefined, levels: Levels): Logs {
  const own = topicSettings(
    pattern === undefined ? levels.hub : subscriberStack(levels, [pattern], undefined),
  ).retention;
  if (own !== undefined) return [own];
  if (pattern !== undefined) return [];
  return levels.topics.flatMap((topic) => retainedFor(topic.pattern, levels));
}

/** Of the logs that retain messages in order; one that retains the latest per key never loses what is current. */
function smallest(logs: Logs, bound: keyof QueueBounds): number | undefined {
  const bounds = logs.flatMap((log) => ("latestPerKey" in log ? [] : [log[bound]]));
  return bounds.length === 0 ? undefined : Math.min(...bounds);
}

/** Where the first of these options that is said at all is said. */
function pathOf(
  stack: Level,
  ...options: readonly (readonly [
    name: "watermarks" | "queue" | "maxQueue" | "escalation" | "overflow",
    field?: string,
  ])[]
): readonly string[] {
  let best: readonly string[] = [options[0]?.[0] ?? ""];
  let at = stack.length;
  for (const [name, field] of options) {
    const voice = voiceFor(stack, name, field);
    const index = voice === undefined ? stack.length : stack.indexOf(voice);
    if (voice === undefined || index >= at) continue;
    at = index;
    const isPreset = voice.path.at(-1) === "preset";
    best = isPreset ? voice.path : [...voice.path, name, ...(field === undefined ? [] : [field])];
  }
  return best;
}
