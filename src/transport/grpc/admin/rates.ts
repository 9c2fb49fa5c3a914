import { type Books, lost } from "../../../fanout/index.ts";
import type { Rates } from "./reports.ts";

/** How far the books were at an instant. */
export interface Reading {
  /** By the clock. */
  readonly at: number;
  readonly matched: number;
  readonly delivered: number;
  readonly lost: number;
  readonly conflated: number;
}

export function readingOf({ matched, delivered, dropped, expired, conflated }: Books, at: number): Reading {
  return { at, matched, delivered, lost: lost(dropped) + expired, conflated };
}

/** What happened in between, per second. */
export function ratesBetween(before: Reading, after: Reading): Rates {
  const windowMs = Math.max(1, after.at - before.at);
  const perSecond = (count: number) => (count * 1000) / windowMs;
  return {
    windowMs: Math.round(windowMs),
    matched: perSecond(after.matched - before.matched),
    delivered: perSecond(after.delivered - before.delivered),
    lost: perSecond(after.lost - before.lost),
    conflated: perSecond(after.conflated - before.conflated),
  };
}
