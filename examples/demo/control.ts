/**
 * The control of the experiment: two processes without a server between them, one of which sends on the schedule
 * of the load to the other, this one. If that is late too, the machine was busy with something else, and the
 * latencies beside it say little.
 *
 * @module
 */
import type { Crew } from "./crew.ts";
import { type Latency, latencyOf } from "./latency.ts";
import { latencyMs } from "./load.ts";
import type { FromTicker } from "./messages.ts";

export class Control {
  readonly #samples: { readonly dueNs: bigint; readonly lateMs: number }[] = [];

  constructor(crew: Crew) {
    const ticker = crew.fork<never, FromTicker>("the control", "control-ticker");
    ticker.on("tick", ({ dueNs }) => this.#samples.push({ dueNs, lateMs: latencyMs({ dueNs }) }));
  }

  /** How late it was with what was due in `fromNs..toNs`. */
  between(fromNs: bigint, toNs: bigint): Latency {
    const due = this.#samples.filter(({ dueNs }) => fromNs <= dueNs && dueNs < toNs);
    return latencyOf(due.map(({ lateMs }) => lateMs));
  }
}
