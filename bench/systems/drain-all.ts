/**
 * The loop that has read about backpressure: it writes a message to everybody, and before the next one waits for the drain
 * of everybody whose `write()` said that it is full. As fast as the slowest.
 *
 * @module
 */
import type { PayloadCall } from "./grpc-contract.ts";
import { grpcSystem } from "./grpc-system.ts";
import { type Awaited, serveLoop } from "./loop.ts";

class Subscriber implements Awaited {
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
  start: () => serveLoop((call) => new Subscriber(call), toAll),
});

async function toAll(payload: Uint8Array, subscribers: ReadonlySet<Subscriber>): Promise<void> {
  const due: Promise<void>[] = [];
  for (const subscriber of subscribers) {
    const drained = subscriber.write(payload);
    if (drained !== undefined) due.push(drained);
  }
  await Promise.all(due);
}
