/**
 * What each event is as a line in a log: how grave it is, and what it says. Texts are constant, so that lines can be
 * counted and searched by them; every value is a field.
 *
 * @module
 */
import type { SpillwayEvents } from "../diagnostics.ts";
import { CLOSE_REASONS } from "../protocol/index.ts";

/** The method of the logger that a line is given to. */
export type LineLevel = "debug" | "info" | "warn" | "error";

export interface LogLine {
  readonly level: LineLevel;
  readonly message: string;
}

type EventName = keyof SpillwayEvents;

/**
 * What happens all day is `debug`: it tells who was there, when that is asked. What somebody may want to act upon is
 * `warn`, and its end, which says that nobody need act any more, is `info`.
 */
export const LOG_LINES: { readonly [Name in EventName]: (event: SpillwayEvents[Name]) => LogLine } = {
  "spillway:subscription:started": () => line("debug", "a subscription has started"),
  "spillway:subscription:ended": ({ reason, lost }) => {
    if (isEviction(reason)) return line("warn", "a subscription was ended to protect the others");
    if (reason === "failed") return line("error", "a subscription failed");
    return lost > 0
      ? line("info", "a subscription has ended that had lost messages")
      : line("debug", "a subscription has ended");
  },
  "spillway:subscription:slow": () =>
    line("warn", "a subscriber is slow: its queue is above the high watermark"),
  "spillway:subscription:recovered": ({ state }) =>
    // Otherwise another line says what has become of it.
    state === "live"
      ? line("info", "a subscriber is not slow any more: its queue is below the low watermark")
      : line("debug", "a subscriber does not count as slow any more: its queue is not fed from publish"),
  "spillway:subscription:stalled": () =>
    line("warn", "a subscriber is stalled: a write to it makes no progress"),
  "spillway:subscription:unstalled": () =>
    line("info", "a subscriber is not stalled any more: its write finished"),
  "spillway:subscription:dropping": () => line("warn", "a subscriber has begun to lose messages"),
  "spillway:subscription:dropped": () => line("info", "a subscriber loses no more messages"),
  "spillway:subscription:escalated": ({ rung, rungBefore, overflow }) => {
    if (rung < rungBefore) return line("info", "a subscriber came down a rung of its escalation");
    const message = "a subscriber went up a rung of its escalation";
    // The line about its end is the one to act upon.
    return overflow === "evict" ? line("debug", message) : line("warn", message);
  },
  "spillway:subscription:parked": () =>
    line("info", "a subscriber is parked: it will read on from what is retained"),
  "spillway:subscription:caught-up": ({ after }) =>
    after === "park"
      ? line("info", "a subscriber that was parked has caught up")
      : line("debug", "a subscriber that started in the past has caught up"),
  "spillway:hub:evictions-paused": () =>
    line("warn", "evictions pause: so many subscribers are slow at once that it is not their fault"),
  "spillway:hub:evictions-resumed": () => line("info", "evictions go on, a few at a time"),
  // Whoever did it knows better what has changed.
  "spillway:hub:reconfigured": () => line("debug", "the hub was reconfigured"),
  "spillway:hook-error": () => line("error", "a hook of the application failed and was contained"),
};

/** The stable names of the fields: those of the event, and `event`, its channel. An error is `err`, as pino has it. */
export function fieldsOf<Name extends EventName>(name: Name, event: SpillwayEvents[Name]): object {
  if (name !== "spillway:hook-error") return { event: name, ...event };
  const { epoch, hook, error } = event as SpillwayEvents["spillway:hook-error"];
  return { event: name, epoch, hook, err: error };
}

function line(level: LineLevel, message: string): LogLine {
  return { level, message };
}

/** The server ended it because of how it reads: refusals come before a subscription starts. */
function isEviction(reason: keyof typeof CLOSE_REASONS): boolean {
  return CLOSE_REASONS[reason].status === "RESOURCE_EXHAUSTED";
}
