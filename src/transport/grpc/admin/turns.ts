import type { EventEmitter } from "node:events";
import type { Clock } from "../../../clock.ts";

/** How long one look may hold up the event loop, in milliseconds: less than a flush does. */
const TURN_MS = 2;

/** Cuts a long walk into turns of the event loop, so that deliveries go on in between. */
export class Turns {
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  #since: number;

  /** @param signal - what ends the walk; its reason is thrown */
  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock;
    this.#signal = signal;
    this.#since = clock.now();
  }

  /** It is time for the next turn. */
  get isOver(): boolean {
    return this.#clock.now() - this.#since >= TURN_MS;
  }

  /** @throws the signal's reason */
  next(): Promise<void> {
    return this.#wait((resume) => {
      this.#clock.soon(resume);
      // It comes at once: there is nothing to take back.
      return () => {};
    });
  }

  /** @throws the signal's reason, as soon as there is one */
  after(ms: number): Promise<void> {
    return this.#wait((resume) => this.#clock.after(ms, resume));
  }

  /** @throws the signal's reason, as soon as there is one */
  once(emitter: EventEmitter, event: string): Promise<void> {
    return this.#wait((resume) => {
      emitter.once(event, resume);
      return () => emitter.off(event, resume);
    });
  }

  #wait(start: (resume: () => void) => () => void): Promise<void> {
    const signal = this.#signal;
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const cancel = start(() => {
        signal.removeEventListener("abort", onAbort);
        this.#since = this.#clock.now();
        resolve();
      });
      const onAbort = (): void => {
        cancel();
        reject(signal.reason);
      };
      signal.addEventListener("abort", onAbort, { once: true });
    });
  }
}
