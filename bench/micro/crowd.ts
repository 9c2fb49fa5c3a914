import { Hub, type HubOptions, type SubscribeRequest } from "../../src/fanout/index.ts";
import { NullSink, Tally } from "./null-sink.ts";

export const TOPIC = "bench.topic";
export const PAYLOAD = new Uint8Array(128).fill(120);

/** Distinct, as many as the longest burst. */
const KEYS = Array.from({ length: 1024 }, (_, index) => `key ${index}`);

/**
 * A hub with so many subscribers that take everything at once. Its limits are the defaults: a flush stops after its
 * slice, and the turns of the event loop that this costs are part of what is measured.
 */
export class Crowd {
  readonly hub: Hub;
  readonly subscribers: number;
  readonly #tally = new Tally();
  #published = 0;

  constructor(subscribers: number, options: HubOptions = {}) {
    this.subscribers = subscribers;
    // Nobody is told positions: nothing but messages goes to a sink while the clock runs.
    this.hub = new Hub({ progressIntervalMs: 3_600_000, maxSubscriptions: 1_000_000, ...options });
    this.add({ patterns: [TOPIC] }, subscribers);
  }

  /** More subscribers that take everything. */
  add(request: SubscribeRequest, count: number): void {
    for (let index = 0; index < count; index++) this.hub.attach(request, new NullSink(this.#tally));
  }

  /** Publishes a burst in one turn, and resolves when the last subscriber has the last message. */
  deliver(burst: number): Promise<void> {
    const complete = this.#tally.expect(burst * this.subscribers);
    for (let index = 0; index < burst; index++) this.publish();
    return complete;
  }

  /** Announces that so many messages will be published one by one; resolves when all have them. */
  expect(messages: number): Promise<void> {
    return this.#tally.expect(messages * this.subscribers);
  }

  /** Every message has a key that none of the last thousand had, for those who look at keys. */
  publish(): void {
    const key = KEYS[this.#published++ % KEYS.length];
    this.hub.publish(TOPIC, PAYLOAD, { key });
  }

  /** The first frames are out, and the subscribers have had messages. */
  async settle(): Promise<void> {
    await this.deliver(1);
    await this.deliver(16);
  }

  /** Ends it, those who never take anything included. */
  close(): Promise<void> {
    return this.hub.close({ drainTimeoutMs: 1 });
  }
}
