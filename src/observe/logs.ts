/**
 * The hub's events as lines of a log, for any logger of pino's shape.
 *
 * - A logger that throws or rejects harms nobody: its line is lost.
 * - Nothing waits for the logger, and what strangers sent is never part of a message's text, only of its fields.
 * - At most {@link LogEventsOptions.mostLines} lines of a kind in {@link LogEventsOptions.intervalMs}; what was left out
 *   is counted in one more line. A kind is an event at a level, so that many ends never hide an eviction.
 *
 * @module
 */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { type Clock, systemClock } from "../clock.ts";
import { LOG_DEFAULTS } from "../defaults.ts";
import type { SpillwayEvents } from "../diagnostics.ts";
import { checkWhole } from "../fanout/index.ts";
import { LineLimiter } from "./line-limiter.ts";
import { fieldsOf, type LineLevel, LOG_LINES, type LogLine } from "./log-lines.ts";

/** Takes lines: pino's loggers do, and whatever else has its four methods. */
export type Logger = { readonly [Level in LineLevel]: (fields: object, message: string) => unknown };

export interface LogEventsOptions {
  /**
   * Logs the events of this hub alone.
   *
   * @default those of every hub of this process, and of clients' hooks
   */
  readonly hub?: { readonly epoch: string };

  /**
   * Most lines of a kind in an interval; from 1.
   *
   * @default 10
   */
  readonly mostLines?: number;

  /**
   * How long an interval is, in milliseconds, from the first line of a kind on.
   *
   * @default 10_000
   */
  readonly intervalMs?: number;

  /** @default the process's own */
  readonly clock?: Clock;
}

/**
 * Writes a line for every event from now on: see `SpillwayEvents` for the events and the fields.
 *
 * @returns stops it; what was left out until then is told first
 * @throws RangeError for an option out of its range
 *
 * @example
 * ```ts
 * const stop = logEvents(pino());
 * ```
 */
export function logEvents(logger: Logger, options: LogEventsOptions = {}): () => void {
  const { hub, clock = systemClock } = options;
  const mostLines = checkWhole("mostLines", options.mostLines ?? LOG_DEFAULTS.mostLines, 1);
  const intervalMs = checkWhole("intervalMs", options.intervalMs ?? LOG_DEFAULTS.intervalMs, 1);
  const log = new EventLog(logger, clock, mostLines, intervalMs);
  const listeners = (Object.keys(LOG_LINES) as (keyof SpillwayEvents)[]).map((name) => {
    const listener = (event: unknown) => {
      if (hub === undefined || (event as { readonly epoch?: string }).epoch === hub.epoch)
        log.add(name, event as never);
    };
    subscribe(name, listener);
    return { name, listener };
  });
  return () => {
    for (const { name, listener } of listeners) unsubscribe(name, listener);
    log.stop();
  };
}

class EventLog {
  readonly #logger: Logger;
  readonly #limiter: LineLimiter;
  readonly #intervalMs: number;

  constructor(logger: Logger, clock: Clock, mostLines: number, intervalMs: number) {
    this.#logger = logger;
    this.#intervalMs = intervalMs;
    this.#limiter = new LineLimiter(clock, mostLines, intervalMs, (kind, suppressed) =>
      this.#tellSuppressed(kind, suppressed),
    );
  }

  add<Name extends keyof SpillwayEvents>(name: Name, event: SpillwayEvents[Name]): void {
    const line: LogLine = LOG_LINES[name](event);
    if (!this.#limiter.admits(kindOf(line, name, event))) return;
    if (this.#write(line, fieldsOf(name, event)) || name !== "spillway:hook-error") return;
    // Anything can be thrown, and some of it cannot be printed. That a hook failed is news enough.
    this.#write(line, fieldsOf(name, { ...event, error: "an error that the logger cannot print" }));
  }

  stop(): void {
    this.#limiter.stop();
  }

  #tellSuppressed(kind: string, suppressed: number): void {
    const [level, event, ...rest] = kind.split(" ") as [LineLevel, string, ...string[]];
    // The name of a hook may be of several words.
    const hook = rest.length === 0 ? undefined : rest.join(" ");
    const fields = { event, hook, suppressed, intervalMs: this.#intervalMs };
    this.#write({ level, message: "more lines like the last ones were left out" }, fields);
  }

  /** Whether the logger took it. */
  #write({ level, message }: LogLine, fields: object): boolean {
    try {
      const outcome = this.#logger[level](fields, message) as PromiseLike<unknown> | undefined;
      if (typeof outcome?.then === "function") outcome.then(undefined, () => {});
      return true;
    } catch {
      return false;
    }
  }
}

/** A hook that fails all the time hides no other one. */
function kindOf<Name extends keyof SpillwayEvents>(
  { level }: LogLine,
  name: Name,
  event: SpillwayEvents[Name],
): string {
  return "hook" in event ? `${level} ${name} ${event.hook}` : `${level} ${name}`;
}
