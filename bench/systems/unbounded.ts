/**
 * A sender of its own for each subscriber: it writes until `write()` says that the call is full, and goes on at the drain.
 * Isolation as it should be, except that what waits has no bound.
 *
 * @module
 */
import { Backlog } from "./backlog.ts";
import { serveCalls } from "./grpc-call-server.ts";
import type { PayloadCall } from "./grpc-contract.ts";
import { grpcSystem } from "./grpc-system.ts";

class Sender {
  readonly #call: PayloadCall;
  readonly #waiting = new Backlog();
  #state: "open" | "full" = "open";

  constructor(call: PayloadCall) {
    this.#call = call;
    call.on("drain", () => this.#drain());
  }

  send(payload: Uint8Array): void {
    if (this.#state === "full") this.#waiting.push(payload);
    else this.#write(payload);
  }

  #write(payload: Uint8Array): void {
    if (!this.#call.write(payload)) this.#state = "full";
  }

  #drain(): void {
    this.#state = "open";
    while (this.#state === "open") {
      const payload = this.#waiting.shift();
      if (payload === undefined) return;
      this.#write(payload);
    }
  }
}

export default grpcSystem({
  name: "unbounded",
  kind: "baseline",
  about: "a sender and an unbounded queue per subscriber, write() and drain honoured",
  async start() {
    const senders = new Set<Sender>();
    const { address, stop } = await serveCalls((call) => {
      const sender = new Sender(call);
      senders.add(sender);
      return () => senders.delete(sender);
    });
    return {
      address,
      publish(payload) {
        for (const sender of senders) sender.send(payload);
      },
      stop,
    };
  },
});
