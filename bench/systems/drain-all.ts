/**
 * The loop that has read about backpressure: it writes a message to everybody, and before the next one waits for the drain
 * of everybody whose `write()` said that it is full. As fast as the slowest.
 *
 * @module
 */
import { Backlog } from "./backlog.ts";
import { serveCalls } from "./grpc-call-server.ts";
import type { PayloadCall } from "./grpc-contract.ts";
import { grpcSystem } from "./grpc-system.ts";

class Subscriber {
  readonly #call: PayloadCall;
  #drained = () => {};

  constructor(call: PayloadCall) {
    this.#call = call;
    call.on("drain", () => this.#drained());
  }

  /** The drain to wait for, where one is due. */
  write(payload: Uint8Array): Promise<void> | undefined {
    if (this.#call.write(payload)) return undefined;
    return new Promise((resolve) => {
      this.#drained = resolve;
    });
  }

  leave(): void {
    this.#drained();
  }
}

export default grpcSystem({
  name: "drain-all",
  kind: "baseline",
  about: "writes to all, and waits for every drain that is due before the next message",
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
    const due: Promise<void>[] = [];
    for (const subscriber of subscribers) {
      const drained = subscriber.write(payload);
      if (drained !== undefined) due.push(drained);
    }
    await Promise.all(due);
  }
}
