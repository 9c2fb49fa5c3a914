/**
 * Publishes by a schedule, without ever asking how the system is doing: an open loop.
 *
 * A publisher that is behind publishes everything that is due at once, in order, stamped with the times it was due at,
 * and skips nothing. Between two such turns it always gives way to the event loop, so that it cannot starve the system
 * that it measures: how far it falls behind is the system's own doing, and is recorded.
 *
 * @module
 */
import type { Schedule } from "./schedule.ts";

export interface Time {
  nowNanos(): number;
  /** Resolves at that time or a little later, in a new turn of the event loop; at once in a new turn when it has passed. */
  waitUntil(nanos: number): Promise<void>;
}

export interface PublisherEvents {
  /** Hands over one message. */
  publish(sequence: number, intendedNanos: number): void;
  /** How late a turn was; called once per message of it. */
  late?(nanos: number): void;
}

export async function publishBySchedule(
  schedule: Schedule,
  startNanos: number,
  time: Time,
  events: PublisherEvents,
): Promise<void> {
  let sequence = 0;
  let tick = 0;
  while (tick < schedule.ticks) {
    await time.waitUntil(startNanos + schedule.dueNanos(tick));
    // What becomes due while this turn lasts is for the next.
    const turnNanos = time.nowNanos();
    for (; tick < schedule.ticks; tick++) {
      const intendedNanos = startNanos + schedule.dueNanos(tick);
      if (intendedNanos > turnNanos) break;
      for (let left = schedule.burst(tick); left > 0; left--) {
        events.late?.(time.nowNanos() - intendedNanos);
        events.publish(sequence++, intendedNanos);
      }
    }
  }
}
