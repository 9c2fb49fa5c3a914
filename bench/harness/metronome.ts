/**
 * Wakes the server's event loop when a turn of the schedule is due, to about a tenth of a millisecond, and costs next to
 * nothing in between.
 *
 * The timers of the event loop know whole milliseconds and fire up to one too late, and asking the time in every turn of
 * the loop would burn the core whose CPU time is measured. So a thread sleeps until the moment and posts a message. That
 * costs what a timer costs, and the same for every system.
 *
 * @module
 */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { nowNanos } from "./clock.ts";
import type { Time } from "./publisher.ts";

/** Shared with the thread: when to wake, and that it changed. */
export interface Slate {
  readonly due: BigInt64Array;
  readonly changed: Int32Array;
}

export class Metronome implements Time {
  readonly #thread: Worker;
  readonly #slate: Slate;
  #wake: (() => void) | undefined;

  private constructor(thread: Worker, slate: Slate) {
    this.#thread = thread;
    this.#slate = slate;
    thread.on("message", () => this.#wake?.());
  }

  static async start(): Promise<Metronome> {
    const slate: Slate = {
      due: new BigInt64Array(new SharedArrayBuffer(8)),
      changed: new Int32Array(new SharedArrayBuffer(4)),
    };
    const thread = new Worker(new URL("./metronome-thread.js", import.meta.url), { workerData: slate });
    await once(thread, "message");
    return new Metronome(thread, slate);
  }

  nowNanos(): number {
    return nowNanos();
  }

  /** For one caller at a time. */
  async waitUntil(nanos: number): Promise<void> {
    if (nowNanos() >= nanos) return new Promise((resolve) => setImmediate(resolve));
    const { due, changed } = this.#slate;
    Atomics.store(due, 0, BigInt(Math.ceil(nanos)));
    Atomics.add(changed, 0, 1);
    Atomics.notify(changed, 0);
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = undefined;
  }

  async stop(): Promise<void> {
    await this.#thread.terminate();
  }
}
