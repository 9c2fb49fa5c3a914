/**
 * When which message is due: `start + i × interval`, decided before the first is published and changed by nothing.
 *
 * A message that could not be published in time stays due when it was; whoever times it from then on sees what a
 * subscriber would have seen (otherwise a publisher that is held up stops the clock, and the longest delays are never
 * measured).
 *
 * @module
 */
import { NANOS_PER_SECOND } from "./clock.ts";

/** A stretch of constant rate: `burst` messages in one turn of the event loop, `rate / burst` turns a second. */
export interface Phase {
  readonly rate: number;
  readonly burst: number;
  readonly seconds: number;
}

interface Stretch {
  readonly firstTick: number;
  readonly firstSequence: number;
  readonly startNanos: number;
  readonly intervalNanos: number;
  readonly ticks: number;
  readonly burst: number;
}

export class Schedule {
  readonly #stretches: readonly Stretch[];
  /** Turns altogether. */
  readonly ticks: number;
  /** Messages altogether. */
  readonly messages: number;
  /** From the first message until its last phase is over. */
  readonly durationNanos: number;

  /** @throws RangeError for a phase in which nothing is due, or that makes no sense */
  constructor(phases: readonly Phase[]) {
    const stretches: Stretch[] = [];
    let [firstTick, firstSequence, startNanos] = [0, 0, 0];
    for (const { rate, burst, seconds } of phases) {
      const ticks = Math.round((rate / burst) * seconds);
      if (!(rate > 0 && burst >= 1 && Number.isInteger(burst) && ticks >= 1)) {
        throw new RangeError(
          `no message is due with ${rate} a second in bursts of ${burst} for ${seconds} s`,
        );
      }
      const intervalNanos = (burst / rate) * NANOS_PER_SECOND;
      stretches.push({ firstTick, firstSequence, startNanos, intervalNanos, ticks, burst });
      firstTick += ticks;
      firstSequence += ticks * burst;
      startNanos += seconds * NANOS_PER_SECOND;
    }
    this.#stretches = stretches;
    this.ticks = firstTick;
    this.messages = firstSequence;
    this.durationNanos = startNanos;
  }

  /** When the turn is due, in nanoseconds after the start. */
  dueNanos(tick: number): number {
    const stretch = this.#stretches.findLast(({ firstTick }) => firstTick <= tick)!;
    return stretch.startNanos + (tick - stretch.firstTick) * stretch.intervalNanos;
  }

  /** How many messages belong to the turn. */
  burst(tick: number): number {
    return this.#stretches.findLast(({ firstTick }) => firstTick <= tick)!.burst;
  }

  /** When the message is due, in nanoseconds after the start. */
  messageDueNanos(sequence: number): number {
    const stretch = this.#stretches.findLast(({ firstSequence }) => firstSequence <= sequence)!;
    const tick = Math.floor((sequence - stretch.firstSequence) / stretch.burst);
    return stretch.startNanos + tick * stretch.intervalNanos;
  }
}
