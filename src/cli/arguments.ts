/** Readers of flag values. Each says what was expected and what came. @module */
import { InvalidArgumentError } from "commander";
import { quote } from "../errors.ts";
import { OVERFLOW_POLICIES, type OverflowPolicyName } from "../protocol/index.ts";

export const DEFAULT_ADDRESS = "127.0.0.1:7070";

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
  const policy = OVERFLOW_POLICIES.find((name) => name === value);
  if (policy !== undefined) return policy;
  throw new InvalidArgumentError(`Expected one of ${OVERFLOW_POLICIES.join(", ")}, got ${quote(value)}.`);
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

/** `NAME=VALUE`, gathered over all uses of the flag. */
export function header(value: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const split = value.indexOf("=");
  if (split > 0) return { ...before, [value.slice(0, split)]: value.slice(split + 1) };
  throw new InvalidArgumentError(`Expected NAME=VALUE, got ${quote(value)}.`);
}

/** Texts, gathered over all uses of the flag. */
export function gather(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}
