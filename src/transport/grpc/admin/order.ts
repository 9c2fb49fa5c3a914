import type { SubscriptionStats } from "../../../fanout/index.ts";
import type { Health } from "./reports.ts";

/** A subscription in line for the operator's attention. */
export interface Ranked {
  readonly health: Health;
  readonly stats: SubscriptionStats;
}

export function healthOf({ delivery, slow, rung, state }: SubscriptionStats): Health {
  if (delivery === "stalled") return "stalled";
  return slow || rung > 0 || state === "parked" ? "slow" : "good";
}

const RANK: Readonly<Record<Health, number>> = { stalled: 0, slow: 1, good: 2 };

/**
 * The worst first, and nobody beside anybody: by health; those that are stalled by the age of the write; then by lag, by
 * bytes queued, and by id. Below 0 when `a` comes first.
 */
export function worstFirst(a: Ranked, b: Ranked): number {
  const [left, right] = [a.stats, b.stats];
  const byHealth = RANK[a.health] - RANK[b.health];
  if (byHealth !== 0) return byHealth;
  const byWrite = a.health === "stalled" ? (right.writeAgeMs ?? 0) - (left.writeAgeMs ?? 0) : 0;
  return (
    byWrite ||
    right.lagMs - left.lagMs ||
    right.queuedBytes - left.queuedBytes ||
    (left.id < right.id ? -1 : Number(left.id > right.id))
  );
}
