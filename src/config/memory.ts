/**
 * What a configuration allows to be held in memory at worst: a ceiling, computed from its bounds.
 *
 * @module
 */
import { HUB_DEFAULTS } from "../defaults.ts";
import {
  type BatchLimits,
  type CompactedRetention,
  type ExplainedOption,
  explainOptions,
  type SequentialRetention,
} from "../fanout/index.ts";
import type { QueueBounds } from "../protocol/index.ts";
import { toldApart, type Whom } from "./explain.ts";
import type { SpillwayConfig } from "./types.ts";

/**
 * A subscription with nothing to receive, with a connection, a stream and an HTTP/2 session of its own: heap measured
 * at 1,000 of them (BENCHMARKS.md, table `memory`, idle heap bytes: 12,928).
 */
const SUBSCRIPTION_BYTES = 13_000;

/**
 * A message without its payload, key and headers: publishing one of 128 bytes to nobody allocates 957 bytes (BENCHMARKS.md,
 * table `allocation`), so it holds at most what is beyond the 128.
 */
const MESSAGE_BYTES = 829;

/** A place in a queue's ring: one reference, in a ring at most twice as long as what it holds. */
const PLACE_BYTES = 16;

/** Payloads are held as they were published, and encoded for the first contract that they were sent by. */
const COPIES = 2;

/** In bytes. */
export interface SubscriberMemory extends Whom {
  /** Of one that asks for nothing: its queue full, and a batch in flight. */
  readonly standard: number;
  /** Of one that has asked for the largest queue it may have. */
  readonly most: number;
}

export interface TopicMemory {
  /** `undefined`: a topic that no pattern of the configuration matches. */
  readonly pattern: string | undefined;
  /** What one such topic retains, in bytes. */
  readonly retained: number;
}

/** In bytes. */
export interface TotalMemory {
  /** `maxSubscriptions` of the dearest kind, each with other messages in its queue. */
  readonly standard: number;
  /** The same, if every one has asked for the largest queue it may have. */
  readonly most: number;
  /** As many, but all with the same messages: payloads are shared. */
  readonly shared: number;
  /** `maxTopics` of the dearest kind; a pattern without wildcards is one topic. */
  readonly retained: number;
}

export interface WorstCaseMemory {
  readonly subscribers: readonly SubscriberMemory[];
  readonly topics: readonly TopicMemory[];
  readonly total: TotalMemory;
  /** What the figures take for granted and what they leave out, a sentence each. */
  readonly notes: readonly string[];
}

const NOTES = [
  "A message that waits in several queues and in a log is held once. The totals for subscribers take every one to hold " +
    "messages of its own, save where they say shared; what is retained may be the same messages again.",
  `Counted for a message: its bytes, as many again for its encoding in one contract, and ${MESSAGE_BYTES} bytes beside ` +
    "them. Each further contract that it is sent by adds its bytes once more.",
  `Counted for a subscriber beside its queue: ${SUBSCRIPTION_BYTES} bytes for its subscription and connection, and one ` +
    "batch in flight with the buffer that it is written from; it holds at least one message, whatever its size.",
  "Not counted: the buffers of sockets and HTTP/2 sessions, requests and publishers' messages on their way in, the index by key of a " +
    "conflating queue, pages of history sources, subscribers of this process, which may ask for more than maxQueue, and what the process needs itself.",
] as const;

/** What the configuration allows to be held at worst. Its types and ranges are to be right. */
export function worstCaseMemory(config: SpillwayConfig): WorstCaseMemory {
  const { maxSubscriptions, maxTopics, maxMessageBytes } = { ...HUB_DEFAULTS, ...config.hub };
  const people = toldApart(config).map((whom) => ({ ...whom, ...terms(config, whom) }));
  const subscribers = people.map(({ patterns, className, queue, maxQueue, batch }) => {
    const memory = (bounds: QueueBounds) =>
      SUBSCRIPTION_BYTES + places(bounds) + contents(bounds) + inFlight(batch, bounds, maxMessageBytes);
    return { patterns, className, standard: memory(queue), most: memory(maxQueue) };
  });
  const topics = [undefined, ...Object.keys(config.hub?.topics ?? {})].map((pattern) => ({
    pattern,
    retained: topicMemory(config, pattern, maxMessageBytes),
  }));
  const most = (sizes: readonly number[]) => Math.max(...sizes);
  const alone = most(people.map(({ queue }) => SUBSCRIPTION_BYTES + places(queue)));
  const together = most(
    people.map(({ queue, batch }) => contents(queue) + inFlight(batch, queue, maxMessageBytes)),
  );
  return {
    subscribers,
    topics,
    total: {
      standard: maxSubscriptions * most(subscribers.map(({ standard }) => standard)),
      most: maxSubscriptions * most(subscribers.map((subscriber) => subscriber.most)),
      shared: maxSubscriptions * alone + together,
      retained: retainedInTotal(topics, maxTopics),
    },
    notes: NOTES,
  };
}

interface Terms {
  readonly queue: QueueBounds;
  readonly maxQueue: QueueBounds;
  readonly batch: BatchLimits;
}

function terms({ hub = {} }: SpillwayConfig, { patterns, className }: Whom): Terms {
  const { subscriber } = explainOptions(hub, patterns, className);
  const bounds = (name: string) => ({
    messages: of(subscriber, name, "messages"),
    bytes: of(subscriber, name, "bytes"),
  });
  return {
    queue: bounds("queue"),
    maxQueue: bounds("maxQueue"),
    batch: { frames: of(subscriber, "batch", "frames"), bytes: of(subscriber, "batch", "bytes") },
  };
}

function of(options: readonly ExplainedOption[], name: string, field: string): number {
  return options.find(({ path }) => path[0] === name && path[1] === field)?.value as number;
}

function places({ messages }: QueueBounds): number {
  return messages * PLACE_BYTES;
}

function contents({ messages, bytes }: QueueBounds): number {
  return messages * MESSAGE_BYTES + bytes * COPIES;
}

/** The messages of a batch, and the one buffer that they leave in. What no queue takes is in no batch. */
function inFlight({ frames, bytes }: BatchLimits, queue: QueueBounds, maxMessageBytes: number): number {
  const largest = Math.max(bytes, Math.min(maxMessageBytes, queue.bytes));
  return contents({ messages: frames, bytes: largest }) + largest;
}

function topicMemory(
  { hub = {} }: SpillwayConfig,
  pattern: string | undefined,
  maxMessageBytes: number,
): number {
  const { topic } = explainOptions(hub, pattern === undefined ? [] : [pattern], undefined);
  const retention = topic.find(({ path }) => path[0] === "retention")?.value as
    | Required<SequentialRetention>
    | Required<CompactedRetention>
    | false;
  if (retention === false) return 0;
  if ("messages" in retention) return contents(retention);
  return contents({ messages: retention.keys, bytes: retention.keys * maxMessageBytes });
}

function retainedInTotal(topics: readonly TopicMemory[], maxTopics: number): number {
  const isOne = (pattern: string | undefined) => pattern !== undefined && !/[*>]/.test(pattern);
  const many = Math.max(...topics.filter(({ pattern }) => !isOne(pattern)).map(({ retained }) => retained));
  const dearer = topics
    .filter(({ pattern, retained }) => isOne(pattern) && retained > many)
    .map(({ retained }) => retained)
    .sort((a, b) => b - a)
    .slice(0, maxTopics);
  return dearer.reduce((sum, retained) => sum + retained, 0) + (maxTopics - dearer.length) * many;
}
