import type { Interest } from "./interest-index.ts";
import type { ReplayLog } from "./replay-log.ts";
import { logFor } from "./retention.ts";
import type { TopicSettings } from "./rules.ts";
import { checkTopic } from "./topic-names.ts";

/** What the hub remembers of one topic. */
export class Topic<S> {
  readonly name: string;
  lastOffset = 0;
  published = 0;
  publishedBytes = 0;
  /** Right as long as `interestsVersion` is the version of the index. */
  interests: readonly Interest<S>[] = [];
  interestsVersion = -1;
  #lingerMs: number;
  #log: ReplayLog | undefined;
  /** What was published to it up to this offset, if anything, is not known here. */
  readonly unknownThrough: number;

  constructor(name: string, { retention, lingerMs }: TopicSettings, unknownThrough: number) {
    this.name = name;
    this.#log = logFor(retention, undefined, 0);
    this.#lingerMs = lingerMs;
    this.unknownThrough = unknownThrough;
  }

  /** How long its messages may wait for others, in milliseconds. */
  get lingerMs(): number {
    return this.#lingerMs;
  }

  get log(): ReplayLog | undefined {
    return this.#log;
  }

  /** What it does not retain any more is trimmed; what it had not retained does not come back. */
  reconfigure({ retention, lingerMs }: TopicSettings): void {
    this.#lingerMs = lingerMs;
    this.#log = logFor(retention, this.#log, this.lastOffset);
  }

  /** Everything up to this offset may be missing in the log. */
  get trimmedThrough(): number {
    return Math.max(this.unknownThrough, this.log === undefined ? this.lastOffset : this.log.trimmedThrough);
  }
}

/**
 * Topics by name, bounded whatever strangers publish to. Two generations: a topic that is published to moves to
 * the young one; when that is half the bound, it becomes the old one, and what was still old is forgotten.
 * Costs nothing per publish and no timer, and keeps at least the half of the bound that was used last.
 *
 * Forgetting a topic loses its statistics, its log, and the link to its previous message (`previousOffset` is 0
 * then), nothing else: offsets are the hub's, so no position is broken, and whoever comes back from before
 * `forgottenThrough` is told that something may be missing.
 */
export class TopicTable<S> {
  #young = new Map<string, Topic<S>>();
  #old = new Map<string, Topic<S>>();
  #maxTopics: number;
  readonly #settingsOf: (topic: string) => TopicSettings;
  #forgottenThrough: number;
  #version = 0;

  /**
   * @param maxTopics - at least 2
   * @param settingsOf - how a topic is treated, new or old
   * @param unknownThrough - the offset up to which the history lies before this table
   */
  constructor(maxTopics: number, settingsOf: (topic: string) => TopicSettings, unknownThrough = 0) {
    this.#maxTopics = maxTopics;
    this.#settingsOf = settingsOf;
    this.#forgottenThrough = unknownThrough;
  }

  /** Topics that are not here have no messages above this offset. */
  get forgottenThrough(): number {
    return this.#forgottenThrough;
  }

  /** Changes when a topic comes or is forgotten. */
  get version(): number {
    return this.#version;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  find(name: string): Topic<S> | undefined {
    return this.#young.get(name) ?? this.#old.get(name);
  }

  /**
   * The topic, created when it is new.
   *
   * @throws SpillwayError `TOPIC_INVALID`
   */
  use(name: string): Topic<S> {
    const young = this.#young.get(name);
    if (young !== undefined) return young;
    let topic = this.#old.get(name);
    if (topic === undefined) {
      checkTopic(name);
      topic = new Topic<S>(name, this.#settingsOf(name), this.#forgottenThrough);
      this.#version++;
    } else {
      this.#old.delete(name);
    }
    if (this.#young.size >= Math.floor(this.#maxTopics / 2)) {
      for (const old of this.#old.values()) this.#forget(old);
      this.#old = this.#young;
      this.#version++;
      this.#young = new Map();
    }
    this.#young.set(name, topic);
    return topic;
  }

  /** Treats all topics as they would be treated if they were new, and forgets those that are too many. */
  reconfigure(maxTopics: number): void {
    const isSmaller = maxTopics < this.#maxTopics;
    this.#maxTopics = maxTopics;
    if (isSmaller) this.#divideAnew();
    for (const topic of this) topic.reconfigure(this.#settingsOf(topic.name));
  }

  /**
   * Forgets topics beyond the bound, and leaves no generation with more than its half: either would go over the bound
   * later. Who was used last only the offsets know; a generation is in the order in which topics came into it.
   */
  #divideAnew(): void {
    const topics = [...this].sort((one, other) => one.lastOffset - other.lastOffset);
    for (const topic of topics.splice(0, Math.max(0, topics.length - this.#maxTopics))) {
      this.#forget(topic);
      this.#version++;
    }
    const young = topics.splice(-Math.floor(this.#maxTopics / 2));
    this.#old = new Map(topics.map((topic) => [topic.name, topic]));
    this.#young = new Map(young.map((topic) => [topic.name, topic]));
  }

  #forget({ lastOffset }: Topic<S>): void {
    this.#forgottenThrough = Math.max(this.#forgottenThrough, lastOffset);
  }

  /** What all logs hold together. Walks the topics. */
  retained(): { messages: number; bytes: number } {
    let messages = 0;
    let bytes = 0;
    for (const { log } of this) {
      if (log === undefined) continue;
      messages += log.length;
      bytes += log.bytes;
    }
    return { messages, bytes };
  }

  /** Forgets all topics. */
  clear(): void {
    for (const topic of this) this.#forget(topic);
    this.#young.clear();
    this.#old.clear();
    this.#version++;
  }

  *[Symbol.iterator](): Iterator<Topic<S>> {
    yield* this.#old.values();
    yield* this.#young.values();
  }
}
