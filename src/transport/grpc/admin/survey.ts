/**
 * Looks at all subscriptions of a hub and finds the worst.
 *
 * There may be many thousands, and deliveries must not wait for an operator: the walk is cut into turns of the event loop,
 * only the worst so many are kept, and nothing is remembered afterwards. A look at one subscription takes about a
 * microsecond; for rates there are two looks.
 *
 * @module
 */
import TinyQueue from "tinyqueue";
import type { Clock } from "../../../clock.ts";
import type { Hub, Subscription, SubscriptionStats } from "../../../fanout/index.ts";
import { healthOf, type Ranked, worstFirst } from "./order.ts";
import { type Reading, ratesBetween, readingOf } from "./rates.ts";
import { reportOf } from "./report.ts";
import type { ListQuery, SubscriptionReport } from "./reports.ts";
import { checkedLimit, checkedWindow, selector } from "./selection.ts";
import { Turns } from "./turns.ts";

export interface Survey {
  /** How many there are of those asked for. */
  readonly total: number;
  /** The worst of them, the worst first. Each report is made when it is its turn. */
  readonly worst: Iterable<SubscriptionReport>;
}

/**
 * @param signal - what ends it early; its reason is thrown
 * @throws SpillwayError `REQUEST_INVALID`, `PATTERN_INVALID`
 */
export async function survey(hub: Hub, query: ListQuery, clock: Clock, signal: AbortSignal): Promise<Survey> {
  const limit = checkedLimit(query.limit);
  const windowMs = checkedWindow(query.windowMs);
  const selected = selector(query);
  const turns = new Turns(clock, signal);
  const readings = new Map<Subscription, Reading>();
  if (windowMs > 0) {
    await walk(hub, turns, (subscription, stats) => {
      if (selected(stats)) readings.set(subscription, readingOf(stats, clock.now()));
    });
    await turns.after(windowMs);
  }
  const worst = new Worst(limit);
  let total = 0;
  await walk(hub, turns, (subscription, stats) => {
    const health = healthOf(stats);
    if (!selected(stats) || !isAsIn(query, health, stats)) return;
    total++;
    worst.add({ subscription, health, stats, at: clock.now() });
  });
  const fromLeast: Candidate[] = [];
  for (let next = worst.takeLast(); next !== undefined; next = worst.takeLast()) {
    fromLeast.push(next);
    if (turns.isOver) await turns.next();
  }
  return { total, worst: reports(fromLeast.reverse(), readings) };
}

function* reports(
  candidates: readonly Candidate[],
  readings: ReadonlyMap<Subscription, Reading>,
): Iterable<SubscriptionReport> {
  for (const { subscription, stats, at } of candidates) {
    const before = readings.get(subscription);
    yield reportOf(subscription, stats, before && ratesBetween(before, readingOf(stats, at)));
  }
}

function isAsIn(
  { health: wanted, states }: ListQuery,
  health: string,
  { state }: SubscriptionStats,
): boolean {
  return (
    (wanted === undefined || wanted.some((name) => name === health)) &&
    (states === undefined || states.some((name) => name === state))
  );
}

async function walk(
  hub: Hub,
  turns: Turns,
  look: (subscription: Subscription, stats: SubscriptionStats) => void,
): Promise<void> {
  for (const subscription of hub.subscriptions()) {
    look(subscription, subscription.stats());
    if (turns.isOver) await turns.next();
  }
}

interface Candidate extends Ranked {
  readonly subscription: Subscription;
  /** When it was looked at, by the clock. */
  readonly at: number;
}

/** The worst so many of all that are added. */
class Worst {
  readonly #limit: number;
  /** On top the least bad one, which gives way. */
  readonly #queue = new TinyQueue<Candidate>([], (a, b) => worstFirst(b, a));

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(candidate: Candidate): void {
    const leastBad = this.#queue.peek();
    const isFull = this.#queue.length >= this.#limit;
    if (isFull && leastBad !== undefined && worstFirst(leastBad, candidate) < 0) return;
    if (isFull) this.#queue.pop();
    this.#queue.push(candidate);
  }

  /** The least bad of those that are left. */
  takeLast(): Candidate | undefined {
    return this.#queue.pop();
  }
}
