/**
 * The hub's books by kind of client: each subscription says in a label which kind it is of.
 *
 * A subscription that has ended is no longer among those of the hub, but keeps its books; so each is remembered from when it
 * starts until it is over, and added up then.
 *
 * @module
 */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type {
  Hub,
  OverflowPolicyName,
  QueueBounds,
  Rung,
  SpillwayEvents,
  Subscription,
  SubscriptionStats,
} from "../../../src/index.ts";
import type { HubBooks } from "../../config-results.ts";
import { KIND_LABEL } from "./guises.ts";

const STARTED = "spillway:subscription:started";
const ENDED = "spillway:subscription:ended";

/** Sums over the subscriptions of a kind; mutable. */
interface Sums {
  matched: number;
  delivered: number;
  dropped: Record<string, number>;
  conflated: number;
  expired: number;
  discarded: number;
  waiting: number;
  ended: Record<string, number>;
  queuedBytesPeak: number;
}

interface Looks {
  looks: number;
  looksParked: number;
  looksOnRung: number;
}

interface KindLedger {
  readonly live: Map<string, Subscription>;
  readonly past: Sums;
  granted: Granted | undefined;
  looks: Looks;
  before: Sums;
}

/** What the first of a kind was granted when it came. */
export interface Granted {
  readonly class: string | undefined;
  /** What it asked for. */
  readonly topic: string;
  readonly overflow: OverflowPolicyName;
  readonly queue: QueueBounds;
  readonly escalation: readonly Rung[];
  readonly stallTimeoutMs: number;
}

export class Ledger {
  readonly #hub: Hub;
  readonly #kinds = new Map<string, KindLedger>();
  /** Of a subscription, by its id: the kind. */
  readonly #kindOf = new Map<string, string>();
  #queuedBytesPeak = 0;
  #retainedBytesPeak = 0;

  readonly #onStarted = (event: unknown) => this.#started(event as SpillwayEvents[typeof STARTED]);
  readonly #onEnded = (event: unknown) => this.#ended(event as SpillwayEvents[typeof ENDED]);

  /** To be made before anyone subscribes. */
  constructor(hub: Hub) {
    this.#hub = hub;
    subscribe(STARTED, this.#onStarted);
    subscribe(ENDED, this.#onEnded);
  }

  /** The measured time begins. */
  begin(): void {
    for (const kind of this.#kinds.values()) {
      kind.before = sumsOf(kind);
      kind.looks = noLooks();
    }
    this.#queuedBytesPeak = 0;
    this.#retainedBytesPeak = 0;
  }

  /** Looks at everybody: to be called every so often. */
  look(): void {
    let queuedBytes = 0;
    for (const { live, looks } of this.#kinds.values()) {
      for (const subscription of live.values()) {
        const stats = subscription.stats();
        queuedBytes += stats.queuedBytes;
        looks.looks++;
        if (stats.state === "parked" || stats.state === "catching-up") looks.looksParked++;
        if (stats.rung > 0) looks.looksOnRung++;
      }
    }
    this.#queuedBytesPeak = Math.max(this.#queuedBytesPeak, queuedBytes);
    this.#retainedBytesPeak = Math.max(this.#retainedBytesPeak, this.#hub.stats().retained.bytes);
  }

  get queuedBytesPeak(): number {
    return this.#queuedBytesPeak;
  }

  get retainedBytesPeak(): number {
    return this.#retainedBytesPeak;
  }

  /** Of the measured time, by kind. */
  books(): ReadonlyMap<string, HubBooks> {
    return new Map([...this.#kinds].map(([name, kind]) => [name, booksOf(kind)]));
  }

  grantedTo(kind: string): Granted {
    return this.#kinds.get(kind)!.granted!;
  }

  /** Whether the books of every kind balance, and the hub has in its own what all kinds have together. */
  get balanced(): boolean {
    const all = [...this.#kinds.values()].map(sumsOf);
    const total = (of: (sums: Sums) => number) => all.reduce((sum, sums) => sum + of(sums), 0);
    const hub = this.#hub.stats();
    return (
      all.every((sums) => sums.matched === accountedFor(sums)) &&
      total(({ matched }) => matched) === hub.matched &&
      total(({ delivered }) => delivered) === hub.delivered &&
      total(({ dropped }) => sumOf(dropped)) === sumOf(hub.dropped) &&
      total(({ ended }) => sumOf(ended)) === sumOf(hub.ended)
    );
  }

  stop(): void {
    unsubscribe(STARTED, this.#onStarted);
    unsubscribe(ENDED, this.#onEnded);
  }

  #started({ subscriptionId }: SpillwayEvents[typeof STARTED]): void {
    for (const subscription of this.#hub.subscriptions()) {
      if (subscription.id !== subscriptionId) continue;
      const name = subscription.stats().labels[KIND_LABEL] ?? "unknown";
      this.#kindOf.set(subscriptionId, name);
      const kind = this.#kind(name);
      kind.live.set(subscriptionId, subscription);
      kind.granted ??= grantedTo(subscription);
    }
  }

  #ended({ subscriptionId, reason }: SpillwayEvents[typeof ENDED]): void {
    const kind = this.#kinds.get(this.#kindOf.get(subscriptionId) ?? "");
    const subscription = kind?.live.get(subscriptionId);
    if (kind === undefined || subscription === undefined) return;
    add(kind.past, subscription.stats());
    kind.past.ended[reason] = (kind.past.ended[reason] ?? 0) + 1;
    kind.live.delete(subscriptionId);
    this.#kindOf.delete(subscriptionId);
  }

  #kind(name: string): KindLedger {
    const known = this.#kinds.get(name);
    if (known !== undefined) return known;
    const fresh = {
      live: new Map(),
      past: noSums(),
      granted: undefined,
      looks: noLooks(),
      before: noSums(),
    };
    this.#kinds.set(name, fresh);
    return fresh;
  }
}

function grantedTo({ grant, terms }: Subscription): Granted {
  const { class: className, overflow, queue, escalation, settings } = grant;
  const [topic] = terms.patterns;
  return {
    class: className,
    topic: topic!,
    overflow,
    queue,
    escalation,
    stallTimeoutMs: settings.stallTimeoutMs,
  };
}

function booksOf(kind: KindLedger): HubBooks {
  const { before, looks } = kind;
  const now = sumsOf(kind);
  return {
    waitedBefore: before.waiting,
    matched: now.matched - before.matched,
    delivered: now.delivered - before.delivered,
    dropped: difference(now.dropped, before.dropped),
    conflated: now.conflated - before.conflated,
    expired: now.expired - before.expired,
    discarded: now.discarded - before.discarded,
    waiting: now.waiting,
    ended: difference(now.ended, before.ended),
    queuedBytesPeak: now.queuedBytesPeak,
    ...looks,
  };
}

function sumsOf({ past, live }: Pick<KindLedger, "past" | "live">): Sums {
  const sums = { ...past, dropped: { ...past.dropped }, ended: { ...past.ended } };
  for (const subscription of live.values()) add(sums, subscription.stats());
  return sums;
}

function add(sums: Sums, stats: SubscriptionStats): void {
  sums.matched += stats.matched;
  sums.delivered += stats.delivered;
  for (const [reason, count] of Object.entries(stats.dropped)) {
    if (count > 0) sums.dropped[reason] = (sums.dropped[reason] ?? 0) + count;
  }
  sums.conflated += stats.conflated;
  sums.expired += stats.expired;
  sums.discarded += stats.discardedAtClose;
  sums.waiting += stats.queued + stats.inFlight;
  sums.queuedBytesPeak = Math.max(sums.queuedBytesPeak, stats.peakQueuedBytes);
}

function accountedFor(sums: Sums): number {
  const { delivered, dropped, conflated, expired, discarded, waiting } = sums;
  return delivered + sumOf(dropped) + conflated + expired + discarded + waiting;
}

function difference(
  now: Readonly<Record<string, number>>,
  before: Readonly<Record<string, number>>,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(now)
      .map(([name, count]) => [name, count - (before[name] ?? 0)] as const)
      .filter(([, count]) => count > 0),
  );
}

function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

function noSums(): Sums {
  return {
    matched: 0,
    delivered: 0,
    dropped: {},
    conflated: 0,
    expired: 0,
    discarded: 0,
    waiting: 0,
    ended: {},
    queuedBytesPeak: 0,
  };
}

function noLooks(): Looks {
  return { looks: 0, looksParked: 0, looksOnRung: 0 };
}
