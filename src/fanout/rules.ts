import qlobber from "qlobber";
import { HUB_DEFAULTS, RETENTION_DEFAULTS, SUBSCRIBER_DEFAULTS } from "../defaults.ts";
import type { OverflowPolicyName, QueueBounds } from "../protocol/index.ts";
import type { Rung } from "./escalation.ts";
import { covers, type Level, type Levels, type Voice } from "./levels.ts";
import type { ResolvedRetention, Retention } from "./retention.ts";
import type { BatchLimits } from "./sink.ts";
import type { ClassMatch, SubscriberOptions, Watermarks } from "./subscriber-options.ts";
import { isTopic, MAX_TOKENS, triePattern } from "./topic-names.ts";

/**
 * How a subscription is treated, with everything filled in; see {@link SubscriberOptions}. One object for all that are
 * treated alike.
 */
export interface SubscriberSettings {
  readonly overflow: OverflowPolicyName;
  readonly allowedOverflow: readonly OverflowPolicyName[];
  readonly queue: QueueBounds;
  readonly maxQueue: QueueBounds;
  readonly maxAgeMs: number;
  readonly escalation: readonly Rung[];
  readonly recoveryMs: number;
  readonly newcomerGraceMs: number;
  readonly watermarks: Watermarks;
  readonly stallTimeoutMs: number;
  readonly minBytesPerSecond: number;
  readonly blockTimeoutMs: number;
  readonly progressIntervalMs: number;
  readonly batch: BatchLimits;
  /** `undefined`: as the message's topic says. */
  readonly lingerMs: number | undefined;
  readonly priority: number;
}

/** How a topic is treated. */
export interface TopicSettings {
  readonly retention: ResolvedRetention | undefined;
  readonly lingerMs: number;
}

/** What a class is recognised by. */
export interface Caller {
  readonly clientName: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly identity: string | undefined;
}

/** Finds what counts for a topic, or for a subscription. */
export class Rules {
  readonly #levels: Levels;
  readonly #topics = new qlobber.Qlobber<number>({
    separator: ".",
    wildcard_one: "*",
    wildcard_some: ">",
    max_words: MAX_TOKENS + 1,
  });
  readonly #classes: readonly { readonly name: string; readonly includes: (caller: Caller) => boolean }[];
  /** By pattern of a subscription: which of the topic levels cover it. */
  readonly #covering = new Map<string, readonly number[]>();
  /** By class and topic levels that count. */
  readonly #settings = new Map<string, SubscriberSettings>();
  /** Whether anything is retained at all: without that nobody can be parked. */
  readonly retains: boolean;

  constructor(levels: Levels) {
    this.#levels = levels;
    for (const [index, { pattern }] of levels.topics.entries()) this.#topics.add(triePattern(pattern), index);
    this.#classes = levels.classes.flatMap(({ name, match }) =>
      match === undefined ? [] : [{ name, includes: matcher(match) }],
    );
    this.retains = [levels.hub, ...levels.topics.map(({ level }) => level)].some((level) =>
      level.some(({ says }) => says.retention !== undefined && says.retention !== false),
    );
  }

  topic(name: string): TopicSettings {
    const { topics, hub } = this.#levels;
    return topicSettings(
      this.#matching(name)
        .flatMap((index) => topics[index]!.level)
        .concat(hub),
    );
  }

  /** @param named - the class that the `authorize` hook has put the caller in */
  classOf(caller: Caller, named: string | undefined): string | undefined {
    return named ?? this.#classes.find(({ includes }) => includes(caller))?.name;
  }

  subscriber(patterns: readonly string[], className: string | undefined): SubscriberSettings {
    const [first = [], ...others] = patterns.map((pattern) => this.#coveringOf(pattern));
    const counting = first.filter((index) => others.every((covering) => covering.includes(index)));
    const { hub, topics, classes } = this.#levels;
    const ofClass = classes.find(({ name }) => name === className);
    return remembered(this.#settings, `${ofClass?.name ?? ""} ${counting.join(" ")}`, () =>
      subscriberSettings([
        ...(ofClass?.level ?? []),
        ...counting.flatMap((index) => topics[index]!.level),
        ...hub,
      ]),
    );
  }

  #coveringOf(pattern: string): readonly number[] {
    const { topics } = this.#levels;
    if (topics.length === 0) return [];
    return remembered(this.#covering, pattern, () => {
      // A topic is covered by what it matches, and the trie knows that without a look at all of them.
      if (isTopic(pattern)) return this.#matching(pattern);
      const narrow = pattern.split(".");
      return topics.flatMap(({ tokens }, index) => (covers(tokens, narrow) ? [index] : []));
    });
  }

  /** The topic levels that match a topic, the most specific first. */
  #matching(topic: string): readonly number[] {
    if (this.#levels.topics.length === 0) return [];
    return [...new Set(this.#topics.match(topic))].sort((a, b) => a - b);
  }
}

/** Patterns and their combinations are chosen by strangers; beyond so many the memory begins anew. */
const MOST_REMEMBERED = 10_000;

function remembered<T>(memory: Map<string, T>, name: string, make: () => T): T {
  const known = memory.get(name);
  if (known !== undefined) return known;
  const made = make();
  if (memory.size >= MOST_REMEMBERED) memory.clear();
  memory.set(name, made);
  return made;
}

/** What counts for a subscription, in order. */
export function subscriberStack(
  { hub, topics, classes }: Levels,
  patterns: readonly string[],
  className: string | undefined,
): readonly Voice[] {
  const ofClass = classes.find(({ name }) => name === className);
  const narrow = patterns.map((pattern) => pattern.split("."));
  return [
    ...(ofClass?.level ?? []),
    ...topics
      .filter(({ tokens }) => narrow.every((pattern) => covers(tokens, pattern)))
      .flatMap(({ level }) => level),
    // What the hub says of linger is the topic's, and a class has no retention.
    ...hub,
  ];
}

/** The first voice that says a value, or a field of it; `undefined`: it is the default. */
export function voiceFor(stack: Level, name: keyof Voice["says"], field?: string): Voice | undefined {
  return stack.find(({ says }) => {
    const value = says[name] as Readonly<Record<string, unknown>> | undefined;
    return (field === undefined ? value : value?.[field]) !== undefined;
  });
}

export function subscriberSettings(stack: Level): SubscriberSettings {
  const whole = <Name extends keyof SubscriberSettings & keyof SubscriberOptions>(name: Name) =>
    (voiceFor(stack, name)?.says[name] ?? SUBSCRIBER_DEFAULTS[name]) as SubscriberSettings[Name];
  const bounds = (name: "queue" | "maxQueue", standard: QueueBounds): QueueBounds => ({
    messages: voiceFor(stack, name, "messages")?.says[name]?.messages ?? standard.messages,
    bytes: voiceFor(stack, name, "bytes")?.says[name]?.bytes ?? standard.bytes,
  });
  const queue = bounds("queue", SUBSCRIBER_DEFAULTS.queue);
  const { watermarks, batch, maxQueue } = SUBSCRIBER_DEFAULTS;
  return {
    overflow: whole("overflow"),
    allowedOverflow: whole("allowedOverflow"),
    queue,
    maxQueue: bounds("maxQueue", {
      messages: Math.max(maxQueue.messages, queue.messages),
      bytes: Math.max(maxQueue.bytes, queue.bytes),
    }),
    maxAgeMs: whole("maxAgeMs"),
    escalation: whole("escalation"),
    recoveryMs: whole("recoveryMs"),
    newcomerGraceMs: whole("newcomerGraceMs"),
    watermarks: {
      high: voiceFor(stack, "watermarks", "high")?.says.watermarks?.high ?? watermarks.high,
      low: voiceFor(stack, "watermarks", "low")?.says.watermarks?.low ?? watermarks.low,
    },
    stallTimeoutMs: whole("stallTimeoutMs"),
    minBytesPerSecond: whole("minBytesPerSecond"),
    blockTimeoutMs: whole("blockTimeoutMs"),
    progressIntervalMs: whole("progressIntervalMs"),
    batch: {
      frames: voiceFor(stack, "batch", "frames")?.says.batch?.frames ?? batch.frames,
      bytes: voiceFor(stack, "batch", "bytes")?.says.batch?.bytes ?? batch.bytes,
    },
    lingerMs: stack.find(({ path }) => path[0] === "classes")?.says.lingerMs,
    priority: voiceFor(stack, "priority")?.says.priority ?? SUBSCRIBER_DEFAULTS.priority,
  };
}

export function topicSettings(stack: Level): TopicSettings {
  const retention = voiceFor(stack, "retention")?.says.retention ?? HUB_DEFAULTS.retention;
  return {
    retention: retention === false ? undefined : resolveRetention(retention),
    lingerMs: voiceFor(stack, "lingerMs")?.says.lingerMs ?? HUB_DEFAULTS.lingerMs,
  };
}

function resolveRetention(retention: Retention): ResolvedRetention {
  return "latestPerKey" in retention
    ? { ...RETENTION_DEFAULTS.compacted, ...retention }
    : { ...RETENTION_DEFAULTS.sequential, ...retention };
}

function matcher({ clientName, identity, labels = {} }: ClassMatch): (caller: Caller) => boolean {
  const name = textMatcher(clientName);
  const who = textMatcher(identity);
  const wanted = Object.entries(labels).map(([label, value]) => [label, textMatcher(value)] as const);
  return (caller) =>
    name(caller.clientName) &&
    who(caller.identity) &&
    wanted.every(([label, fits]) =>
      fits(Object.hasOwn(caller.labels, label) ? caller.labels[label] : undefined),
    );
}

/** @param wanted - with `*` for any characters; `undefined` fits all */
function textMatcher(wanted: string | undefined): (value: string | undefined) => boolean {
  if (wanted === undefined) return () => true;
  const [first = "", ...parts] = wanted.split("*");
  const last = parts.pop();
  if (last === undefined) return (value) => value === first;
  return (value) => {
    if (value === undefined || value.length < first.length + last.length) return false;
    if (!value.startsWith(first) || !value.endsWith(last)) return false;
    // The rest in order, each as early as possible: no pattern makes it slow.
    let from = first.length;
    for (const part of parts) {
      const at = value.indexOf(part, from);
      if (at < 0) return false;
      from = at + part.length;
    }
    return from <= value.length - last.length;
  };
}
