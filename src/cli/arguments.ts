/** Readers of flag values. Each says what was expected and what came. @module */
import { InvalidArgumentError } from "commander";
import { systemClock } from "../clock.ts";
import { SERVER_DEFAULTS } from "../defaults.ts";
import { quote } from "../errors.ts";
import { checkPattern } from "../fanout/index.ts";
import { OVERFLOW_POLICIES, type OverflowPolicyName, type Start } from "../protocol/index.ts";

export const DEFAULT_ADDRESS = SERVER_DEFAULTS.listen;

/** `HOST:PORT` of a server to listen as; 0 is any free port. */
export function listenAddress(value: string): string {
  return address(value, 0);
}

/** `HOST:PORT` of a server to connect to. */
export function serverAddress(value: string): string {
  return address(value, 1);
}

function address(value: string, lowestPort: number): string {
  const port = Number(/^(?:\[[0-9a-fA-F:.]+\]|[^:[\]\s/]+):(\d{1,5})$/.exec(value)?.[1]);
  if (port >= lowestPort && port <= 65_535) return value;
  throw new InvalidArgumentError(
    `Expected HOST:PORT with a port from ${lowestPort} to 65535, such as ${DEFAULT_ADDRESS} or [::1]:7070, got ${quote(value)}.`,
  );
}

export function overflowPolicy(value: string): OverflowPolicyName {
  return oneOf(OVERFLOW_POLICIES)(value);
}

/** A reader of names. */
export function oneOf<Name extends string>(names: readonly Name[]): (value: string) => Name {
  return (value) => {
    const found = names.find((name) => name === value);
    if (found !== undefined) return found;
    throw new InvalidArgumentError(`Expected one of ${names.join(", ")}, got ${quote(value)}.`);
  };
}

/** A reader of whole numbers of `unit`, from `least`. */
export function wholeNumber(unit: string, least: number): (value: string) => number {
  return (value) => {
    const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
    if (number >= least && Number.isSafeInteger(number)) return number;
    throw new InvalidArgumentError(
      `Expected a whole number of ${unit}, at least ${least}, got ${quote(value)}.`,
    );
  };
}

/** Messages per second; a fraction is a message every so many seconds, at least one a day: timers end at 24 days. */
export function rate(value: string): number {
  const number = /^\d*\.?\d+$/.test(value) ? Number(value) : Number.NaN;
  if (number >= 1 / 86_400 && Number.isFinite(number)) return number;
  throw new InvalidArgumentError(
    `Expected a number of messages per second above 0, at least one a day, got ${quote(value)}.`,
  );
}

const MS_OF_UNIT = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `500ms`, `30s`, `5m`, `2h` or `1d`, in milliseconds, above 0. */
export function duration(value: string): number {
  const ms = readDuration(value);
  if (ms !== undefined) return ms;
  throw new InvalidArgumentError(
    `Expected a time above 0, such as 500ms, 30s, 5m, 2h or 1d, got ${quote(value)}.`,
  );
}

function readDuration(value: string): number | undefined {
  const [, number, unit] = /^(\d*\.?\d+)(ms|s|m|h|d)$/.exec(value) ?? [];
  const ms = Number(number) * (MS_OF_UNIT[unit as keyof typeof MS_OF_UNIT] ?? Number.NaN);
  return ms > 0 && Number.isSafeInteger(Math.ceil(ms)) ? ms : undefined;
}

/** Where to start. An epoch has no colon; one that is called like a word here cannot be given. */
export function startPosition(value: string, unixMs = systemClock.unixMs()): Start {
  if (value === "live" || value === "oldest" || value === "snapshot") return value;
  const [, word = "", rest = ""] = /^([^:]*):(.*)$/.exec(value) ?? [];
  const start =
    word === "last" ? newest(rest) : word === "since" ? since(rest, unixMs) : position(word, rest);
  if (start !== undefined) return start;
  throw new InvalidArgumentError(
    "Expected live, oldest, snapshot, last:N, since:TIME (2026-01-31T09:30:00Z, or as long ago as 5m) or " +
      `EPOCH:OFFSET, got ${quote(value)}.`,
  );
}

/** As many as the contract can ask for. */
function newest(digits: string): Start | undefined {
  const count = /^\d{1,10}$/.test(digits) ? Number(digits) : 0;
  return count >= 1 && count < 2 ** 32 ? { newest: count } : undefined;
}

function since(time: string, unixMs: number): Start | undefined {
  const ago = readDuration(time);
  if (ago !== undefined) return { sinceMs: unixMs - ago };
  // Date.parse alone would make something of nearly any text.
  const iso = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/.test(time);
  const sinceMs = iso ? Date.parse(time) : Number.NaN;
  return Number.isNaN(sinceMs) ? undefined : { sinceMs };
}

function position(epoch: string, digits: string): Start | undefined {
  const offset = /^\d+$/.test(digits) ? Number(digits) : Number.NaN;
  return epoch !== "" && Number.isSafeInteger(offset) ? { epoch, offset } : undefined;
}

/** `NAME=VALUE`, gathered over all uses of the flag. */
export function header(value: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const split = value.indexOf("=");
  if (split > 0) return { ...before, [value.slice(0, split)]: value.slice(split + 1) };
  throw new InvalidArgumentError(`Expected NAME=VALUE, got ${quote(value)}.`);
}

/** Patterns, gathered over all uses of the flag. */
export function gatherPatterns(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, pattern(value)];
}

/** A topic, or a pattern of topics. */
export function pattern(value: string): string {
  try {
    checkPattern(value);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
  return value;
}

/** Texts, gathered over all uses of the flag. */
export function gather(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}
