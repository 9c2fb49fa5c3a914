/**
 * Checks of option values, for whatever is configured in code. Each returns what it was given, or throws a `TypeError`
 * or `RangeError` that names the option, what was expected and what came.
 *
 * @module
 */
import { OVERFLOW_POLICIES, type OverflowPolicyName, type QueueBounds } from "../protocol/index.ts";
import { CONDITIONS, type Rung } from "./escalation.ts";

/** What a timer of the platform can hold, in milliseconds: 24.8 days. A longer one would fire at once. */
const LONGEST_TIMER_MS = 2_147_483_647;

export function checkNames(
  owner: string,
  given: object | undefined,
  known: Readonly<Record<string, true>>,
): void {
  for (const name of Object.keys(given ?? {})) {
    if (!Object.hasOwn(known, name)) {
      throw new TypeError(`unknown ${owner} option "${name}"; known are ${Object.keys(known).join(", ")}`);
    }
  }
}

export function checkOverflow(name: string, value: unknown): OverflowPolicyName {
  if (!OVERFLOW_POLICIES.includes(value as OverflowPolicyName)) {
    throw new TypeError(`${name} must be one of ${OVERFLOW_POLICIES.join(", ")}, got ${String(value)}`);
  }
  return value as OverflowPolicyName;
}

/** Bounds of which each may be left out. */
export function checkSomeBounds(name: string, given: Partial<QueueBounds>): Partial<QueueBounds> {
  if (typeof given !== "object" || given === null) {
    throw new TypeError(`${name} must have messages or bytes, got ${String(given)}`);
  }
  checkNames(name, given, { messages: true, bytes: true });
  for (const [bound, value] of Object.entries(given)) {
    if (value !== undefined) checkWhole(`${name}.${bound}`, value, 1);
  }
  return given;
}

export function checkWhole(name: string, value: unknown, least: number): number {
  if (!Number.isSafeInteger(value) || (value as number) < least) {
    throw new RangeError(`${name} must be a whole number of at least ${least}, got ${String(value)}`);
  }
  return value as number;
}

/** @param forever - whether Infinity is allowed */
export function checkDuration(name: string, value: unknown, forever = false): number {
  const inRange = typeof value === "number" && value >= 0 && value <= LONGEST_TIMER_MS;
  if (!inRange && !(forever && value === Infinity)) {
    const range = `from 0 to ${LONGEST_TIMER_MS}${forever ? ", or Infinity" : ""}`;
    throw new RangeError(`${name} must be a number of milliseconds ${range}, got ${String(value)}`);
  }
  return value as number;
}

/** The longest time to linger: who waits longer looks slow to itself, and holds memory for nothing. */
const LONGEST_LINGER_MS = 1_000;

export function checkLinger(name: string, value: unknown): number {
  if (typeof value === "number" && value >= 0 && value <= LONGEST_LINGER_MS) return value;
  throw new RangeError(
    `${name} must be a number of milliseconds from 0 to ${LONGEST_LINGER_MS}, got ${String(value)}`,
  );
}

export function checkPositive(name: string, value: number): number {
  if (value > 0) return value;
  throw new RangeError(`${name} must be above 0, got ${value}`);
}

export function checkShare(name: string, value: unknown): number {
  if (typeof value === "number" && value > 0 && value <= 1) return value;
  throw new RangeError(`${name} must be a share above 0 and up to 1, got ${String(value)}`);
}

/** @param canPark - whether anything is retained */
export function checkEscalation(name: string, rungs: readonly Rung[], canPark = true): readonly Rung[] {
  if (!Array.isArray(rungs)) throw new TypeError(`${name} must be a list of rungs, got ${String(rungs)}`);
  for (const [index, given] of rungs.entries()) {
    const rung = `${name}[${index}]`;
    checkNames(rung, given, { when: true, policy: true });
    const { when, policy } = given;
    checkOverflow(`${rung}.policy`, policy);
    if ((policy as OverflowPolicyName) === "block" || (policy === "park" && !canPark)) {
      const reason = policy === "park" ? "needs the option retention" : "is for subscribers that ask for it";
      throw new TypeError(`${rung}.policy: ${policy} ${reason}`);
    }
    checkNames(`${rung}.when`, when, Object.fromEntries(CONDITIONS.map((condition) => [condition, true])));
    const conditions = Object.entries(when ?? {}).filter(([, value]) => value !== undefined);
    if (conditions.length === 0)
      throw new TypeError(`${rung}.when must give at least one of ${CONDITIONS.join(", ")}`);
    for (const [condition, value] of conditions) checkDuration(`${rung}.when.${condition}`, value);
  }
  return rungs;
}
