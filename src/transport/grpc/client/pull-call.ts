/**
 * One server stream, read message by message, by whoever wants the next one.
 *
 * - Nothing is read that nobody asked for, beyond the 16 messages and the one network chunk that grpc-js reads
 *   ahead; so a slow reader fills the stream's window and slows this one stream, not the process's memory.
 * - grpc-js reports a failure as soon as it knows, ahead of messages that it has already received. Those are
 *   still handed out here, and only then the outcome: each of them moves the position that a resume starts from.
 * - After `cancel()` nothing comes any more, and nothing is reported.
 *
 * @module
 */
import type { ClientReadableStream, ServiceError } from "@grpc/grpc-js";
import { cancelCall } from "./cancel-call.ts";

/** How a call ended: `undefined` for OK. */
export interface CallOutcome {
  readonly error: ServiceError | undefined;
}

export class PullCall<T> {
  readonly #call: ClientReadableStream<T>;
  #outcome: CallOutcome | undefined;
  #wake: (() => void) | undefined;

  /**
   * @param onAnswered once, when the server's headers or its first message are here
   * @param onOver once, when the status is known; messages may still wait to be read. Not after a `cancel()`.
   */
  constructor(call: ClientReadableStream<T>, onAnswered: () => void, onOver: () => void) {
    this.#call = call;
    call.once("metadata", onAnswered);
    // Emitted for every status but OK; without a listener it would end the process. It stays for the life of
    // the call, because a cancelled call reports its own cancellation later.
    call.on("error", (error: ServiceError) => this.#over(error, onOver));
    call.once("status", () => this.#over(undefined, onOver));
    call.on("readable", () => this.#stir());
  }

  /** The next message if it is here. */
  read(): T | undefined {
    return this.#call.read() ?? undefined;
  }

  /** How the call ended, once it has; what `read()` still returns comes before it. */
  get outcome(): CallOutcome | undefined {
    return this.#outcome;
  }

  /** Resolves when `read()` or `outcome` may have something new. For one waiter at a time. */
  async changed(): Promise<void> {
    if (this.#outcome !== undefined) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }

  /** Ends the call at once, as `outcome`, without `onOver`. Does nothing to a call that is over. */
  cancel(outcome: CallOutcome = { error: undefined }): void {
    if (this.#outcome !== undefined) return;
    this.#outcome = outcome;
    cancelCall(this.#call);
    this.#stir();
  }

  #over(error: ServiceError | undefined, onOver: () => void): void {
    if (this.#outcome !== undefined) return;
    this.#outcome = { error };
    onOver();
    this.#stir();
  }

  #stir(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
