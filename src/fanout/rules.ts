import qlobber from "qlobber";
import { HUB_DEFAULTS, RETENTION_DEFAULTS, SUBSCRIBER_DEFAULTS } from "../defaults.ts";
import type { OverflowPolicyName, QueueBounds } from "../protocol/index.ts";
import type { Rung } from "./escalation.ts";
import { type ClassLevel, covers, type Level, type Levels, type Voice } from "./levels.ts";
import type { ResolvedRetention, Retention } from "./retention.ts";
import type { BatchLimits } from "./sink.ts";
import type { ClassMatch, SubscriberOptions, Watermarks } from "./subscriber-options.ts";
import { MAX_TOKENS, triePattern } from "./topic-names.ts";

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
  /** By which levels count. There are few combinations, whatever the number of subscriptions. */
  readonly #settings = new Map<string, SubscriberSettings>();
  /** Whether anything is retained at all: without that nobody can be parked. */
  readonly retains: boolean;

  constructor(levels: Levels) {
    this.#levels = levels;
    for (const [index, { pattern }] of levels.topics.entries()) this.#topics.add(triePattern(pattern), index);
    this.retains = [levels.hub, ...levels.topics.map(({ level }) => level)].some((level) =>
      level.some(({ says }) => says.retention !== undefined && says.retention !== false),
    );
  }

  topic(name: string): TopicSettings {
    const { topics, hub } = this.#levels;
    const matching = topics.length === 0 ? [] : this.#topics.match(name).sort((a, b) => a - b);
    return topicSettings([...new Set(matching)].flatMap((index) => topics[index]!.level).concat(hub));
  }

  /** @param named - the class that the `authorize` hook has put the caller in */
  classOf(caller: Caller, named: string | undefined): string | undefined {
    return named ?? this.#levels.classes.find(({ match }) => match && matches(match, caller))?.name;
  }

  subscriber(patterns: readonly string[], className: string | undefined): SubscriberSettings {
    const stack = subscriberStack(this.#levels, patterns, className);
    const name = stack.map(({ path }) => JSON.stringify(path)).join();
    let settings = this.#settings.get(name);
    if (settings === undefined) {
      settings = subscriberSettings(stack);
      this.#settings.set(name, settings);
    }
    return settings;
  }
}

/** What counts for a subscription, in order. */
export function subscriberStack(
  { hub, topics, classes }: Levels,
  patterns: readonly string[],
  className: string | undefined,
): readonly Voice[] {
  const ofClass: ClassLevel | undefined = classes.find(({ name }) => name === className);
  return [
    ...(ofClass?.level ?? []),
    ...topics
      .filter(({ pattern }) => patterns.every((narrow) => covers(pattern, narrow)))
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

function matches(match: ClassMatch, { clientName, labels, identity }: Caller): boolean {
  return (
    fits(match.clientName, clientName) &&
    fits(match.identity, identity) &&
    Object.entries(match.labels ?? {}).every(([name, wanted]) =>
      fits(wanted, Object.hasOwn(labels, name) ? labels[name] : undefined),
    )
  );
}

/** @param wanted - with `*` for any characters; `undefined` fits all */
function fits(wanted: string | undefined, value: string | undefined): boolean {
  if (wanted === undefined) return true;
  if (value === undefined) return false;
  const [first = "", ...parts] = wanted.split("*");
  const last = parts.pop();
  if (last === undefined) return value === first;
  if (!value.startsWith(first) || !value.endsWith(last) || value.length < first.length + last.length)
    return false;
  // The rest in order, each as early as possible: no pattern makes it slow.
  let from = first.length;
  for (const part of parts) {
    const at = value.indexOf(part, from);
    if (at < 0) return false;
    from = at + part.length;
  }
  return from <= value.length - last.length;
}
