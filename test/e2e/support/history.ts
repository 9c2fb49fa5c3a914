/** What was published: the truth that journals are held against. */
import assert from "node:assert/strict";
import type { Hub } from "../../../src/fanout/index.ts";
import { hashOf, type MessageEntry } from "./journal.ts";

export class History {
  readonly #hub: Hub;
  readonly #bounds: "ever" | "now";
  readonly #messages: MessageEntry[] = [];
  /** What the last `publish` said: no blocking subscriber asks its publisher to wait. */
  writable = true;

  /** @param bounds - `now`: where they change, so that a queue may once have held more than its bound is now */
  constructor(hub: Hub, bounds: "ever" | "now" = "ever") {
    this.#hub = hub;
    this.#bounds = bounds;
  }

  /** Publishes `bytes` bytes that no other message has, and holds every queue to its bounds. */
  publish(topic: string, bytes: number, key?: string): number {
    return this.#publish(topic, Buffer.alloc(bytes), key);
  }

  /** As `publish`; the payload is a small part of a buffer of `whole` bytes. */
  publishSubarray(topic: string, whole: number, bytes: number): number {
    return this.#publish(topic, Buffer.alloc(whole).subarray(bytes, 2 * bytes), undefined);
  }

  get lastOffset(): number {
    return this.#messages.at(-1)?.offset ?? 0;
  }

  /** Everything below a prefix (`"load."`), in order. */
  under(prefix: string): readonly MessageEntry[] {
    return this.#messages.filter(({ topic }) => topic.startsWith(prefix));
  }

  #publish(topic: string, payload: Buffer, key: string | undefined): number {
    payload.fill(`${this.#messages.length} of ${topic}; `);
    const hash = hashOf(payload);
    const { offset, writable } = this.#hub.publish(topic, payload, key === undefined ? {} : { key });
    this.writable = writable;
    // What becomes of the caller's buffer is of no concern to anybody.
    payload.fill(0xff);
    this.#messages.push({ kind: "message", topic, offset, key, hash });
    assertWithinBounds(this.#hub, this.#bounds);
    return offset;
  }
}

/** No queue is, or ever was, above its bound in messages or bytes, and the books balance at this instant. */
export function assertWithinBounds(hub: Hub, when: "ever" | "now" = "ever"): void {
  for (const subscription of hub.subscriptions()) {
    const stats = subscription.stats();
    const { capacity, queued, queuedBytes, peakQueued, peakQueuedBytes, clientName } = stats;
    const most =
      when === "now"
        ? { messages: queued, bytes: queuedBytes }
        : { messages: Math.max(queued, peakQueued), bytes: Math.max(queuedBytes, peakQueuedBytes) };
    assert.ok(
      most.messages <= capacity.messages && most.bytes <= capacity.bytes,
      `the queue of ${clientName} held ${JSON.stringify(most)}, its bound is ${JSON.stringify(capacity)}`,
    );
    const { matched, delivered, dropped, conflated, inFlight, discardedAtClose } = stats;
    const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
    assert.equal(
      delivered + lost + conflated + queued + inFlight + discardedAtClose,
      matched,
      `the books of ${clientName} balance`,
    );
  }
}
