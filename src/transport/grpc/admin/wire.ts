/**
 * The one place that knows how reports about subscriptions look on the wire of `spillway.v1.Admin`, in both directions.
 *
 * As in `../wire.ts`: a value that this side does not know is an error in a request, and is tolerated in a response.
 *
 * @module
 */
import { quote, SpillwayError } from "../../../errors.ts";
import type {
  Uint64,
  WireBooks,
  WireEnum,
  WireGetStatsResponse,
  WireHubStats,
  WireListSubscriptionsRequest,
  WireRates,
  WireSubscription,
} from "../contracts.ts";
import {
  inverse,
  OVERFLOW_TO_WIRE,
  receivedInteger,
  receivedPolicy,
  receivedPosition,
  STATE_TO_WIRE,
} from "../wire.ts";
import type {
  BooksReport,
  Health,
  ListQuery,
  LiveState,
  Rates,
  StatsReport,
  SubscriptionReport,
} from "./reports.ts";

const HEALTH_TO_WIRE = {
  stalled: "HEALTH_STALLED",
  slow: "HEALTH_SLOW",
  good: "HEALTH_GOOD",
} as const satisfies Record<Health, string>;
const HEALTH_FROM_WIRE = inverse<Health>(HEALTH_TO_WIRE);

const STATE_FROM_WIRE = inverse<LiveState>(STATE_TO_WIRE);

const DELIVERY_TO_WIRE = {
  idle: "DELIVERY_IDLE",
  writing: "DELIVERY_WRITING",
  stalled: "DELIVERY_STALLED",
  paused: "DELIVERY_PAUSED",
} as const satisfies Record<SubscriptionReport["delivery"], string>;
const DELIVERY_FROM_WIRE = inverse<SubscriptionReport["delivery"]>(DELIVERY_TO_WIRE);

const BRAKE_TO_WIRE = {
  off: "EVICTION_BRAKE_OFF",
  paused: "EVICTION_BRAKE_PAUSED",
  paced: "EVICTION_BRAKE_PACED",
} as const satisfies Record<StatsReport["brake"], string>;
const BRAKE_FROM_WIRE = inverse<StatsReport["brake"]>(BRAKE_TO_WIRE);

/** Client: a query as it goes out: a server takes no more values than there are, so each goes once. */
export function queryToWire(query: ListQuery): WireListSubscriptionsRequest {
  const { clientNamePrefix, topicPattern, idPrefix, limit, windowMs } = query;
  return {
    health: [...new Set(query.health)].map((name) => HEALTH_TO_WIRE[name]),
    states: [...new Set(query.states)].map((name) => STATE_TO_WIRE[name]),
    ...(query.class !== undefined ? { class: query.class } : {}),
    ...(clientNamePrefix !== undefined ? { clientNamePrefix } : {}),
    ...(topicPattern !== undefined ? { topicPattern } : {}),
    ...(idPrefix !== undefined ? { idPrefix } : {}),
    ...(limit !== undefined ? { limit } : {}),
    ...(windowMs !== undefined ? { windowMs } : {}),
  };
}

/**
 * Server: what a request asks for, each value once; what it leaves open is `undefined`.
 *
 * @throws SpillwayError `REQUEST_INVALID` for a value that this version does not know, or for more of them than there are
 */
export function queryFromWire(request: WireListSubscriptionsRequest): ListQuery {
  return {
    health: requested("health", HEALTH_FROM_WIRE, request.health),
    states: requested("states", STATE_FROM_WIRE, request.states),
    class: request.class || undefined,
    clientNamePrefix: request.clientNamePrefix || undefined,
    topicPattern: request.topicPattern || undefined,
    idPrefix: request.idPrefix || undefined,
    limit: request.limit || undefined,
    windowMs: request.windowMs,
  };
}

function requested<Name extends string>(
  field: string,
  known: ReadonlyMap<unknown, Name>,
  values: readonly WireEnum[] = [],
): readonly Name[] | undefined {
  // Before anything looks at them: a request has room for millions, and deliveries would wait for each.
  if (values.length > known.size) {
    throw new SpillwayError(
      "REQUEST_INVALID",
      `expected ${field} to have at most ${known.size} values, each once; got ${values.length}`,
      { field },
    );
  }
  const names = values.map((value) => {
    const name = known.get(value);
    if (name !== undefined) return name;
    throw new SpillwayError(
      "REQUEST_INVALID",
      `expected ${field} to be of ${[...known.keys()].join(", ")}; got ${quote(value)}`,
      { field },
    );
  });
  return names.length === 0 ? undefined : [...new Set(names)];
}

/** Server: one subscription. */
export function subscriptionToWire(report: SubscriptionReport): WireSubscription {
  const { clientName, identity, class: name, peer, writeAgeMs, rates } = report;
  return {
    id: report.id,
    ...(clientName === undefined ? {} : { clientName }),
    ...(identity === undefined ? {} : { identity }),
    ...(name === undefined ? {} : { class: name }),
    labels: report.labels,
    patterns: report.patterns,
    ...(peer === undefined ? {} : { peer }),
    startedAtUs: Math.round(report.startedAtMs * 1000),
    health: HEALTH_TO_WIRE[report.health],
    state: STATE_TO_WIRE[report.state],
    delivery: DELIVERY_TO_WIRE[report.delivery],
    slow: report.slow,
    overflow: OVERFLOW_TO_WIRE[report.overflow],
    rung: report.rung,
    capacity: report.capacity,
    queuedBytes: report.queuedBytes,
    peak: { messages: report.peakQueued, bytes: report.peakQueuedBytes },
    inFlightBytes: report.inFlightBytes,
    ...(writeAgeMs === undefined ? {} : { writeAgeMs: Math.round(writeAgeMs) }),
    lagMs: Math.round(report.lagMs),
    books: booksToWire(report),
    deliveredBytes: report.deliveredBytes,
    replayed: report.replayed,
    batches: report.batches,
    gaps: report.gaps,
    stalls: report.stalls,
    position: report.position,
    ...(rates === undefined ? {} : { rates }),
  };
}

/**
 * Client: one subscription. A health, state or delivery that it does not know reads as the most harmless one.
 *
 * @throws RangeError for a number that no JavaScript number holds exactly.
 */
export function subscriptionFromWire(wire: WireSubscription): SubscriptionReport {
  return {
    id: wire.id ?? "",
    clientName: wire.clientName || undefined,
    identity: wire.identity || undefined,
    class: wire.class || undefined,
    labels: wire.labels ?? {},
    patterns: wire.patterns ?? [],
    peer: wire.peer || undefined,
    startedAtMs: number(wire.startedAtUs, "started_at_us") / 1000,
    health: HEALTH_FROM_WIRE.get(wire.health) ?? "good",
    state: STATE_FROM_WIRE.get(wire.state) ?? "live",
    delivery: DELIVERY_FROM_WIRE.get(wire.delivery) ?? "idle",
    slow: wire.slow ?? false,
    overflow: receivedPolicy(wire.overflow),
    rung: wire.rung ?? 0,
    capacity: {
      messages: wire.capacity?.messages ?? 0,
      bytes: number(wire.capacity?.bytes, "capacity.bytes"),
    },
    queuedBytes: number(wire.queuedBytes, "queued_bytes"),
    peakQueued: wire.peak?.messages ?? 0,
    peakQueuedBytes: number(wire.peak?.bytes, "peak.bytes"),
    inFlightBytes: number(wire.inFlightBytes, "in_flight_bytes"),
    writeAgeMs: wire.writeAgeMs === undefined ? undefined : number(wire.writeAgeMs, "write_age_ms"),
    lagMs: number(wire.lagMs, "lag_ms"),
    ...booksFromWire(wire.books ?? {}),
    deliveredBytes: number(wire.deliveredBytes, "delivered_bytes"),
    replayed: number(wire.replayed, "replayed"),
    batches: number(wire.batches, "batches"),
    gaps: number(wire.gaps, "gaps"),
    stalls: number(wire.stalls, "stalls"),
    position: receivedPosition(wire.position, "position"),
    rates: wire.rates == null ? undefined : ratesFromWire(wire.rates),
  };
}

/** Server: the books of a hub. */
export function statsToWire(report: StatsReport): WireGetStatsResponse {
  const { subscriptions, rates } = report;
  const stats: WireHubStats = {
    position: report.position,
    published: report.published,
    publishedBytes: report.publishedBytes,
    topics: report.topics,
    subscriptions: { ...subscriptions, catchingUp: subscriptions["catching-up"] },
    ended: report.ended,
    books: booksToWire(report),
    queuedBytes: report.queuedBytes,
    inFlightBytes: report.inFlightBytes,
    deliveredBytes: report.deliveredBytes,
    replayed: report.replayed,
    batches: report.batches,
    slow: report.slow,
    worstLagMs: Math.round(report.worstLagMs),
    retained: report.retained,
    evictionBrake: BRAKE_TO_WIRE[report.brake],
    evictionsHeldBack: report.evictionsHeldBack,
    refusedPublishes: report.refused.publishes,
    refusedSubscriptions: report.refused.subscriptions,
  };
  return rates === undefined ? { stats } : { stats, rates, publishedRate: rates.published };
}

/**
 * Client: the books of a hub.
 *
 * @throws RangeError for a number that no JavaScript number holds exactly.
 */
export function statsFromWire({ stats, rates, publishedRate }: WireGetStatsResponse): StatsReport {
  const { subscriptions, retained } = stats ?? {};
  return {
    position: receivedPosition(stats?.position, "position"),
    published: number(stats?.published, "published"),
    publishedBytes: number(stats?.publishedBytes, "published_bytes"),
    topics: number(stats?.topics, "topics"),
    subscriptions: {
      live: number(subscriptions?.live, "subscriptions.live"),
      "catching-up": number(subscriptions?.catchingUp, "subscriptions.catching_up"),
      parked: number(subscriptions?.parked, "subscriptions.parked"),
      draining: number(subscriptions?.draining, "subscriptions.draining"),
      stalled: number(subscriptions?.stalled, "subscriptions.stalled"),
    },
    ended: counts(stats?.ended, "ended"),
    ...booksFromWire(stats?.books ?? {}),
    queuedBytes: number(stats?.queuedBytes, "queued_bytes"),
    inFlightBytes: number(stats?.inFlightBytes, "in_flight_bytes"),
    deliveredBytes: number(stats?.deliveredBytes, "delivered_bytes"),
    replayed: number(stats?.replayed, "replayed"),
    batches: number(stats?.batches, "batches"),
    slow: number(stats?.slow, "slow"),
    worstLagMs: number(stats?.worstLagMs, "worst_lag_ms"),
    retained: {
      messages: number(retained?.messages, "retained.messages"),
      bytes: number(retained?.bytes, "retained.bytes"),
    },
    brake: BRAKE_FROM_WIRE.get(stats?.evictionBrake) ?? "off",
    evictionsHeldBack: number(stats?.evictionsHeldBack, "evictions_held_back"),
    refused: {
      publishes: counts(stats?.refusedPublishes, "refused_publishes"),
      subscriptions: counts(stats?.refusedSubscriptions, "refused_subscriptions"),
    },
    rates: rates == null ? undefined : { ...ratesFromWire(rates), published: publishedRate ?? 0 },
  };
}

function booksToWire(books: BooksReport): WireBooks {
  const { dropped } = books;
  return {
    matched: books.matched,
    delivered: books.delivered,
    dropped: {
      overflow: dropped.overflow,
      oversize: dropped.oversize,
      renderFailed: dropped["render-failed"],
      filterFailed: dropped["filter-failed"],
    },
    conflated: books.conflated,
    expired: books.expired,
    queued: books.queued,
    inFlight: books.inFlight,
    discardedAtClose: books.discardedAtClose,
  };
}

function booksFromWire(books: WireBooks): BooksReport {
  const { dropped } = books;
  return {
    matched: number(books.matched, "books.matched"),
    delivered: number(books.delivered, "books.delivered"),
    dropped: {
      overflow: number(dropped?.overflow, "books.dropped.overflow"),
      oversize: number(dropped?.oversize, "books.dropped.oversize"),
      "render-failed": number(dropped?.renderFailed, "books.dropped.render_failed"),
      "filter-failed": number(dropped?.filterFailed, "books.dropped.filter_failed"),
    },
    conflated: number(books.conflated, "books.conflated"),
    expired: number(books.expired, "books.expired"),
    queued: number(books.queued, "books.queued"),
    inFlight: number(books.inFlight, "books.in_flight"),
    discardedAtClose: number(books.discardedAtClose, "books.discarded_at_close"),
  };
}

function ratesFromWire({ windowMs, matched, delivered, lost, conflated }: WireRates): Rates {
  return {
    windowMs: windowMs ?? 0,
    matched: matched ?? 0,
    delivered: delivered ?? 0,
    lost: lost ?? 0,
    conflated: conflated ?? 0,
  };
}

function counts(received: Readonly<Record<string, Uint64>> = {}, field: string): Record<string, number> {
  return Object.fromEntries(Object.entries(received).map(([name, count]) => [name, number(count, field)]));
}

function number(value: Uint64 | undefined, field: string): number {
  return receivedInteger(value, field);
}
