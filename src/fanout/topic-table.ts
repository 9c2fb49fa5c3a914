import type { Interest } from "./interest-index.ts";
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

  constructor(name: string) {
    this.name = name;
  }
}

/**
 * Topics by name, bounded whatever strangers publish to. Two generations: a topic that is published to moves to
 * the young one; when that is half the bound, it becomes the old one, and what was still old is forgotten.
 * Costs nothing per publish and no timer, and keeps at least the half of the bound that was used last.
 *
 * Forgetting a topic loses its statistics and the link to its previous message (`previousOffset` is 0 then),
 * nothing else: offsets are the hub's, and subscriptions are not kept here.
 */
export class TopicTable<S> {
  #young = new Map<string, Topic<S>>();
  #old = new Map<string, Topic<S>>();
  readonly #maxTopics: number;

  /** @param maxTopics - at least 2 */
  constructor(maxTopics: number) {
    this.#maxTopics = maxTopics;
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
      topic = new Topic<S>(name);
    } else {
      this.#old.delete(name);
    }
    if (this.#young.size >= Math.floor(this.#maxTopics / 2)) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(name, topic);
    return topic;
  }

  *[Symbol.iterator](): Iterator<Topic<S>> {
    yield* this.#old.values();
    yield* this.#young.values();
  }
}
