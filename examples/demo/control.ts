/**
 * The control of the experiment: a timer in a process that nothing is asked of. If it is late too, the machine
 * was busy with something else, and the latencies beside it say little.
 *
 * @module
 */

import { type Latency, latencyOf } from "./latency.ts";

const PERIOD_NS = 10_000_000n;

export class IdleTimer {
  readonly #samples: { readonly dueNs: bigint; readonly lateMs: number }[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor() {
    this.#arm(process.hrtime.bigint() + PERIOD_NS);
  }

  /** How late it was when it was due in `fromNs..toNs`. */
  between(fromNs: bigint, toNs: bigint): Latency {
    const due = this.#samples.filter(({ dueNs }) => fromNs <= dueNs && dueNs < toNs);
    return latencyOf(due.map(({ lateMs }) => lateMs));
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #arm(dueNs: bigint): void {
    const waitNs = dueNs - process.hrtime.bigint();
    this.#timer = setTimeout(() => this.#fired(dueNs), Math.max(0, Math.ceil(Number(waitNs) / 1e6)));
  }

  #fired(dueNs: bigint): void {
    const now = process.hrtime.bigint();
    // Each one that was due while it could not run counts, as each message does.
    for (; dueNs <= now; dueNs += PERIOD_NS) {
      this.#samples.push({ dueNs, lateMs: Number(now - dueNs) / 1e6 });
    }
    this.#arm(dueNs);
  }
}
