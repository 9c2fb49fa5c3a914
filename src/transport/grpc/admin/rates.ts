import type { Books } from "../../../fanout/index.ts";
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
  const lost = Object.values(dropped).reduce((sum, count) => sum + count, expired);
  return { at, matched, delivered, lost, conflated };
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
