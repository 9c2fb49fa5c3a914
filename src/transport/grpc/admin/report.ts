import type { Subscription, SubscriptionStats } from "../../../fanout/index.ts";
import { peerOf } from "../peers.ts";
import { healthOf } from "./order.ts";
import type { Rates, SubscriptionReport } from "./reports.ts";

/** What an operator is told of a subscription that has not ended. */
export function reportOf(
  subscription: Subscription,
  stats: SubscriptionStats = subscription.stats(),
  rates?: Rates,
): SubscriptionReport {
  const { state, delivery } = stats;
  return {
    ...stats,
    // For the compiler: it has not ended.
    state: state === "ended" ? "draining" : state,
    delivery: delivery === "ended" ? "idle" : delivery,
    health: healthOf(stats),
    peer: peerOf(subscription),
    rates,
  };
}
