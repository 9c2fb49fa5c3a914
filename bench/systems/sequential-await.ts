/**
 * The loop that one writes first: for each message, each subscriber in turn, and for each the wait until its write is
 * through. Whoever takes his time makes everybody wait, the publisher's next message included.
 *
 * @module
 */
import type { PayloadCall } from "./grpc-contract.ts";
import { grpcSystem } from "./grpc-system.ts";
import { type Awaited, serveLoop } from "./loop.ts";

class Subscriber implements Awaited {
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
  start: () => serveLoop((call) => new Subscriber(call), inTurn),
});

async function inTurn(payload: Uint8Array, subscribers: ReadonlySet<Subscriber>): Promise<void> {
  for (const subscriber of subscribers) await subscriber.write(payload);
}
