/**
 * Which message is whose: messages are numbered through, and take turns in topics; those of one topic take turns in keys.
 *
 *     number   0  1  2  3  4  5 …        two topics, two keys
 *     topic    a  b  a  b  a  b
 *     index    0  0  1  1  2  2          within the topic
 *     key      0  0  1  1  0  0
 *
 * @module
 */

import type { ConfigLoad } from "../../config-results.ts";
import { NANOS_PER_MS } from "../../harness/clock.ts";
import { Schedule } from "../../harness/schedule.ts";

/** All that is published, by one schedule. Every topic gets as much in every turn. */
export function scheduleOf({ topics, rate, burst, seconds }: ConfigLoad): Schedule {
  return new Schedule([{ rate: rate * topics.length, burst, seconds }]);
}

export function keyName(index: number, keys: number): string {
  return `key-${index % keys}`;
}

/** The messages of one topic, as its subscribers count them. */
export class Feed {
  readonly keys: number;
  /** How many there are. */
  readonly messages: number;
  readonly #schedule: Schedule;
  readonly #topics: number;
  readonly #topic: number;

  /** @param topic - its place among the topics of the load */
  constructor(load: ConfigLoad, topic: number) {
    this.keys = load.keys;
    this.#schedule = scheduleOf(load);
    this.#topics = load.topics.length;
    this.#topic = topic;
    this.messages = this.#schedule.messages / this.#topics;
  }

  get durationMs(): number {
    return this.#schedule.durationNanos / NANOS_PER_MS;
  }

  /** `undefined`: it is not one of this topic. */
  indexOf(sequence: number): number | undefined {
    const index = (sequence - this.#topic) / this.#topics;
    return Number.isInteger(index) && index >= 0 && index < this.messages ? index : undefined;
  }

  /** When it is due, in nanoseconds after the start. */
  dueNanos(index: number): number {
    return this.#schedule.messageDueNanos(index * this.#topics + this.#topic);
  }
}
