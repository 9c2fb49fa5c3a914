/**
 * The loop that one writes first: for each message, each subscriber in turn, and for each the wait until its write is
 * through. Whoever takes his time makes everybody wait, the publisher's next message included.
 *
 * @module
 */
import { Backlog } from "./backlog.ts";
import { serveCalls } from "./grpc-call-server.ts";
import type { PayloadCall } from "./grpc-contract.ts";
import { grpcSystem } from "./grpc-system.ts";

class Subscriber {
  readonly #call: PayloadCall;
  #done = () => {};

  constructor(call: PayloadCall) {
    this.#call = call;
  }

  write(payload: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.#done = resolve;
      this.#call.write(payload, () => resolve());
    });
  }

  leave(): void {
    this.#done();
  }
}

export default grpcSystem({
  name: "sequential-await",
  kind: "baseline",
  about: "for each message, waits for each subscriber's write in turn",
  async start() {
    const subscribers = new Set<Subscriber>();
    const { address, stop } = await serveCalls((call) => {
      const subscriber = new Subscriber(call);
      subscribers.add(subscriber);
      return () => {
        subscribers.delete(subscriber);
        subscriber.leave();
      };
    });
    const backlog = new Backlog();
    void fanOut(backlog, subscribers);
    return { address, publish: (payload) => backlog.push(payload), stop };
  },
});

async function fanOut(backlog: Backlog, subscribers: ReadonlySet<Subscriber>): Promise<never> {
  for (;;) {
    const payload = await backlog.take();
    for (const subscriber of subscribers) await subscriber.write(payload);
  }
}
