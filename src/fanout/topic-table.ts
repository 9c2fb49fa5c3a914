import type { Interest } from "./interest-index.ts";
import type { ReplayLog } from "./replay-log.ts";
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
  /** How long its messages may wait for others; `undefined` until somebody has looked it up. */
  lingerMs: number | undefined;
  readonly log: ReplayLog | undefined;
  /** What was published to it up to this offset, if anything, is not known here. */
  readonly unknownThrough: number;

  constructor(name: string, log: ReplayLog | undefined, unknownThrough: number) {
    this.name = name;
    this.log = log;
    this.unknownThrough = unknownThrough;
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
  readonly #maxTopics: number;
  readonly #logFor: (topic: string) => ReplayLog | undefined;
  #forgottenThrough: number;
  #version = 0;

  /**
   * @param maxTopics - at least 2
   * @param logFor - the log of a new topic, if it gets one
   * @param unknownThrough - the offset up to which the history lies before this table
   */
  constructor(
    maxTopics: number,
    logFor: (topic: string) => ReplayLog | undefined = () => undefined,
    unknownThrough = 0,
  ) {
    this.#maxTopics = maxTopics;
    this.#logFor = logFor;
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
      topic = new Topic<S>(name, this.#logFor(name), this.#forgottenThrough);
      this.#version++;
    } else {
      this.#old.delete(name);
    }
    if (this.#young.size >= Math.floor(this.#maxTopics / 2)) {
      for (const { lastOffset } of this.#old.values()) {
        this.#forgottenThrough = Math.max(this.#forgottenThrough, lastOffset);
      }
      this.#old = this.#young;
      this.#version++;
      this.#young = new Map();
    }
    this.#young.set(name, topic);
    return topic;
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
    for (const { lastOffset } of this) this.#forgottenThrough = Math.max(this.#forgottenThrough, lastOffset);
    this.#young.clear();
    this.#old.clear();
    this.#version++;
  }

  *[Symbol.iterator](): Iterator<Topic<S>> {
    yield* this.#old.values();
    yield* this.#young.values();
  }
}
