/**
 * Every metric of a hub, once. Both exporters are made of these rows, and so is the table in `docs/observability.md`.
 *
 * A metric has one label of its own at most, whose values come from this code: reasons, states, error codes. Never a
 * name that a stranger chose (a subscriber, a topic, a key), so the number of time series is bounded.
 *
 * @module
 */
import type { HistogramSnapshot, HubStats } from "../fanout/index.ts";
import { CLOSE_REASONS } from "../protocol/index.ts";

interface Row {
  /** By the conventions of OpenTelemetry; {@link prometheusName} makes the other one of it. */
  readonly name: string;
  /** In UCUM, as OpenTelemetry has it: `s`, `By`, or what is counted in braces. */
  readonly unit: "s" | "By" | `{${string}}`;
  readonly help: string;
}

/** A number, or several by the value of a label. */
export interface ValueMetric extends Row {
  /**
   * - `counter`: only rises.
   * - `upDownCounter`: rises and falls; those of several hubs may be added up.
   * - `gauge`: rises and falls; a sum of several would mean nothing.
   */
  readonly kind: "counter" | "upDownCounter" | "gauge";
  /** What `read` tells apart. Without it, `read` returns a number. */
  readonly label?: string;
  readonly read: (hub: HubStats) => number | Readonly<Record<string, number>>;
}

export interface HistogramMetric extends Row {
  readonly kind: "histogram";
  readonly read: (hub: HubStats) => HistogramSnapshot;
}

export type Metric = ValueMetric | HistogramMetric;

/** So that a rate is known from the first time on. */
const NO_ENDS = Object.fromEntries(Object.keys(CLOSE_REASONS).map((reason) => [reason, 0]));

export const METRICS: readonly Metric[] = [
  {
    kind: "counter",
    name: "spillway.messages.published",
    unit: "{message}",
    help: "Messages published.",
    read: (hub) => hub.published,
  },
  {
    kind: "counter",
    name: "spillway.messages.matched",
    unit: "{message}",
    help: "Messages found to be for a subscription, once for each that they are for. Equals delivered + dropped + conflated + expired + discarded + queued + in flight.",
    read: (hub) => hub.matched,
  },
  {
    kind: "counter",
    name: "spillway.messages.delivered",
    unit: "{message}",
    help: "Messages handed over to a subscriber.",
    read: (hub) => hub.delivered,
  },
  {
    kind: "counter",
    name: "spillway.messages.dropped",
    unit: "{message}",
    help: "Messages lost to a subscriber, and announced to it as a gap.",
    label: "reason",
    read: (hub) => hub.dropped,
  },
  {
    kind: "counter",
    name: "spillway.messages.conflated",
    unit: "{message}",
    help: "Unread messages that a newer one of their key replaced.",
    read: (hub) => hub.conflated,
  },
  {
    kind: "counter",
    name: "spillway.messages.expired",
    unit: "{message}",
    help: "Messages that were too old when their turn came.",
    read: (hub) => hub.expired,
  },
  {
    kind: "counter",
    name: "spillway.messages.discarded",
    unit: "{message}",
    help: "Messages that were waiting or in flight when their subscription ended.",
    read: (hub) => hub.discardedAtClose,
  },
  {
    kind: "counter",
    name: "spillway.messages.replayed",
    unit: "{message}",
    help: "Messages that a subscription read from a replay log or a history source.",
    read: (hub) => hub.replayed,
  },
  {
    kind: "upDownCounter",
    name: "spillway.messages.queued",
    unit: "{message}",
    help: "Messages waiting in the queues of subscriptions.",
    read: (hub) => hub.queued,
  },
  {
    kind: "upDownCounter",
    name: "spillway.messages.in_flight",
    unit: "{message}",
    help: "Messages given to a transport and not handed over yet.",
    read: (hub) => hub.inFlight,
  },
  {
    kind: "upDownCounter",
    name: "spillway.messages.retained",
    unit: "{message}",
    help: "Messages in the replay logs.",
    read: (hub) => hub.retained.messages,
  },
  {
    kind: "counter",
    name: "spillway.data.published",
    unit: "By",
    help: "Payload, key and headers of the messages published.",
    read: (hub) => hub.publishedBytes,
  },
  {
    kind: "counter",
    name: "spillway.data.delivered",
    unit: "By",
    help: "Payload, key and headers of the messages delivered.",
    read: (hub) => hub.deliveredBytes,
  },
  {
    kind: "upDownCounter",
    name: "spillway.data.queued",
    unit: "By",
    help: "What the queues of subscriptions hold. A message in several queues counts in each, though it is in memory once.",
    read: (hub) => hub.queuedBytes,
  },
  {
    kind: "upDownCounter",
    name: "spillway.data.in_flight",
    unit: "By",
    help: "What is given to transports and not handed over yet.",
    read: (hub) => hub.inFlightBytes,
  },
  {
    kind: "upDownCounter",
    name: "spillway.data.retained",
    unit: "By",
    help: "What the replay logs hold.",
    read: (hub) => hub.retained.bytes,
  },
  {
    kind: "histogram",
    name: "spillway.delivery.lag",
    unit: "s",
    help: "From publishing to hand-over to the transport, for the first message of every batch. Batches that begin with a message read from the past do not count.",
    read: (hub) => inSeconds(hub.lagMs),
  },
  {
    kind: "gauge",
    name: "spillway.backlog.age",
    unit: "s",
    help: "Age of the oldest message that waits for any subscription or is in flight to it; 0 when there is none.",
    read: (hub) => hub.worstLagMs / 1_000,
  },
  {
    kind: "counter",
    name: "spillway.batches.written",
    unit: "{batch}",
    help: "Batches given to transports, those that only carried notices included.",
    read: (hub) => hub.batches,
  },
  {
    kind: "histogram",
    name: "spillway.batch.size",
    unit: "{message}",
    help: "Messages in a batch, of the batches that had any.",
    read: (hub) => hub.batchMessages,
  },
  {
    kind: "counter",
    name: "spillway.gaps.announced",
    unit: "{gap}",
    help: "Gap notices given to transports.",
    read: (hub) => hub.gaps,
  },
  {
    kind: "upDownCounter",
    name: "spillway.subscriptions.active",
    unit: "{subscription}",
    help: "Subscriptions by state; one that is stalled counts as that and as nothing else.",
    label: "state",
    read: (hub) => hub.subscriptions,
  },
  {
    kind: "upDownCounter",
    name: "spillway.subscriptions.slow",
    unit: "{subscription}",
    help: "Subscriptions, in whatever state, whose queue is above the watermark or whose write is stalled.",
    read: (hub) => hub.slow,
  },
  {
    kind: "counter",
    name: "spillway.subscriptions.ended",
    unit: "{subscription}",
    help: "Subscriptions that ended. Evicted are those with the reasons overflow, overrun, slow and stalled.",
    label: "reason",
    read: (hub) => ({ ...NO_ENDS, ...hub.ended }),
  },
  {
    kind: "counter",
    name: "spillway.subscriptions.refused",
    unit: "{subscription}",
    help: "Requests to subscribe that were refused, by error code. Only codes that occurred.",
    label: "code",
    read: (hub) => hub.refused.subscriptions,
  },
  {
    kind: "counter",
    name: "spillway.publishes.refused",
    unit: "{publish}",
    help: "Messages that were refused, by error code. Only codes that occurred.",
    label: "code",
    read: (hub) => hub.refused.publishes,
  },
  {
    kind: "counter",
    name: "spillway.episodes.slow",
    unit: "{episode}",
    help: "Times that the queue of a subscription came to be above the watermark.",
    read: (hub) => hub.slowEpisodes,
  },
  {
    kind: "counter",
    name: "spillway.episodes.stalled",
    unit: "{episode}",
    help: "Times that a write was stalled.",
    read: (hub) => hub.stalls,
  },
  {
    kind: "counter",
    name: "spillway.episodes.parked",
    unit: "{episode}",
    help: "Times that a subscription was parked.",
    read: (hub) => hub.parked,
  },
  {
    kind: "gauge",
    name: "spillway.evictions.brake",
    unit: "{state}",
    help: "1 for the state of the brake on evictions, 0 for the others: paused or paced while many turn slow at once.",
    label: "state",
    read: (hub) => ({ off: 0, paused: 0, paced: 0, [hub.brake]: 1 }),
  },
  {
    kind: "upDownCounter",
    name: "spillway.evictions.held_back",
    unit: "{eviction}",
    help: "Evictions that are due, and that the brake holds back.",
    read: (hub) => hub.evictionsHeldBack,
  },
  {
    kind: "upDownCounter",
    name: "spillway.history_loads.active",
    unit: "{load}",
    help: "Loads from history sources that run, or wait for their turn.",
    label: "state",
    read: ({ historyLoads: { running, waiting } }) => ({ running, waiting }),
  },
  {
    kind: "counter",
    name: "spillway.history_loads.ended",
    unit: "{load}",
    help: "Loads from history sources that are over.",
    label: "outcome",
    read: ({ historyLoads: { completed, failed, cancelled } }) => ({ completed, failed, cancelled }),
  },
  {
    kind: "upDownCounter",
    name: "spillway.topics.known",
    unit: "{topic}",
    help: "Topics that the hub remembers.",
    read: (hub) => hub.topics,
  },
  {
    kind: "histogram",
    name: "spillway.loop.lateness",
    unit: "s",
    help: "By how much the hub's own timer was late because something held up the event loop; four times a second while there are subscriptions.",
    read: (hub) => inSeconds(hub.loopLatenessMs),
  },
];

/**
 * The name by the conventions of Prometheus: base unit and `_total` at the end. It is the one that the collectors of
 * OpenTelemetry make of the name there, so dashboards fit whichever way a figure came.
 */
export function prometheusName({ name, unit, kind }: Metric): string {
  const suffix = unit === "s" ? "_seconds" : unit === "By" ? "_bytes" : "";
  return `${name.replaceAll(".", "_")}${suffix}${kind === "counter" ? "_total" : ""}`;
}

/** Counts of all values up to each bound, and of all there are, by the bound as text. */
export function cumulative({ bounds, counts }: HistogramSnapshot): readonly (readonly [string, number])[] {
  let below = 0;
  return counts.map((count, index) => {
    below += count;
    return [index < bounds.length ? String(bounds[index]) : "+Inf", below];
  });
}

function inSeconds({ bounds, counts, sum, count }: HistogramSnapshot): HistogramSnapshot {
  return { bounds: bounds.map((bound) => bound / 1_000), counts, sum: sum / 1_000, count };
}
