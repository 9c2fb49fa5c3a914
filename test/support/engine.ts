import assert from "node:assert/strict";
import { Hub, type HubOptions, type LocalSubscription, type Subscription } from "../../src/index.ts";
import { ManualClock } from "./manual-clock.ts";

/** A hub whose time moves by hand, and what its hooks were reported for. */
export function handHub(options: HubOptions = {}) {
  const clock = new ManualClock();
  const errors: { hook: string; error: unknown }[] = [];
  const onError = (error: unknown, hook: string) => void errors.push({ hook, error });
  const hub = new Hub({ clock, onError, ...options });
  return { clock, hub, errors };
}

/** `matched = delivered + Σ dropped + conflated + expired + queued + inFlight + discardedAtClose`. */
export function assertBalanced(subscription: Subscription | LocalSubscription): void {
  const stats = subscription.stats();
  const { delivered, conflated, expired, queued, inFlight, discardedAtClose } = stats;
  const lost = Object.values(stats.dropped).reduce((sum, count) => sum + count, 0);
  const accounted = delivered + lost + conflated + expired + queued + inFlight + discardedAtClose;
  assert.equal(stats.matched, accounted, "the books balance");
}
