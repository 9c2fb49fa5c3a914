/**
 * A sender of its own for one subscriber: it writes until `write()` says that the call is full, lets the rest wait, and goes
 * on at the drain. What may wait is for whoever makes it to say.
 *
 * @module
 */
import type { PayloadCall } from "./grpc-contract.ts";

export interface Waiting {
  push(payload: Uint8Array): void;
  /** The oldest, where there is one. */
  shift(): Uint8Array | undefined;
}

export class Sender {
  readonly #call: PayloadCall;
  readonly #waiting: Waiting;
  #state: "open" | "full" = "open";

  constructor(call: PayloadCall, waiting: Waiting) {
    this.#call = call;
    this.#waiting = waiting;
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
