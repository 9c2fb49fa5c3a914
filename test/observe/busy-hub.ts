/**
 * A hub to which everything has happened that a metric tells of, and what its metrics must then be, figure by figure:
 * written down here a second time, so that a metric that reads the wrong figure is found out.
 */
import assert from "node:assert/strict";
import type { HistogramSnapshot, HistoryPage, HubStats, Losses } from "../../src/index.ts";
import { CLOSE_REASONS } from "../../src/index.ts";
import { handHub } from "../support/engine.ts";
import { ValveSink, type ValveSinkOptions } from "../support/valve-sink.ts";

/** Figures by name and labels, as {@link figureKey} writes them. */
export type Figures = ReadonlyMap<string, number>;

/** `name{label="value"}`, whatever the order of the labels. */
export function figureKey(name: string, labels: Readonly<Record<string, unknown>> = {}): string {
  const pairs = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return pairs.length === 0 ? name : `${name}{${pairs.map(([key, value]) => `${key}="${value}"`).join()}}`;
}

const KEEPING = { epoch: "e", start: { epoch: "e", offset: 0 } } as const;

export async function busyHub() {
  const pages: ((page: HistoryPage) => void)[] = [];
  const load = () => new Promise<HistoryPage>((resolve) => pages.push(resolve));
  const broken = () => Promise.reject(new Error("the disk is full"));
  const { hub, clock } = handHub({
    epoch: KEEPING.epoch,
    queue: { messages: 8 },
    newcomerGraceMs: 0,
    stallTimeoutMs: 1_000,
    minBytesPerSecond: 1_000_000,
    maxMessageBytes: 1_000,
    escalation: [{ when: { stalledForMs: 1_000 }, policy: "evict" }],
    topics: { "past.*": { retention: { messages: 1 } }, a: { retention: {} } },
    history: [
      { pattern: "past.broken", source: { load: broken } },
      { pattern: "past.*", source: { load } },
    ],
    historyLoads: { concurrency: 2 },
  });
  const settle = async () => {
    for (let turn = 0; turn < 5; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
      clock.settle();
    }
  };
  const join = (options: ValveSinkOptions, request: object = {}) => {
    const sink = new ValveSink(options);
    const subscription = hub.attach({ patterns: ["a"], clientName: "client", ...request }, sink);
    clock.settle();
    return { sink, subscription };
  };

  // What is asked of history: one load each that is completed, failed, given up, running twice, and waiting.
  for (const topic of ["past.given", "past.broken", "past.up", "past.run", "past.wait"])
    for (let count = 0; count < 3; count++) hub.publish(topic, "12345");
  const past = (topic: string) => join({}, { patterns: [topic], start: KEEPING.start });
  past("past.broken");
  past("past.given");
  await settle();
  pages.shift()?.({ messages: [{ offset: 1, payload: "", publishedAtMs: 0 }], through: 2 });
  await settle();
  past("past.up").subscription.end("cancelled");
  await settle();
  for (const topic of ["past.run", "past.wait", "past.more"]) {
    for (let count = 0; count < 2; count++) hub.publish(topic, "12345");
    past(topic);
  }
  await settle();

  join({});
  join({}, { filter: () => assert.fail("no answer") });
  join({ cannotRender: ({ offset }) => offset % 3 === 0 });
  join({ valve: "shut" }, { queue: { bytes: 10 } });
  join({ valve: "shut" }, { overflow: "conflate" });
  join({ valve: "pulled" }, { overflow: "park" }).sink.pull();
  const leaving = join({ valve: "shut" });
  const { sink: writing } = join({});
  const late = join({ valve: "pulled" }, { maxAgeMs: 100 });
  late.sink.pull();
  join({ valve: "shut" }).subscription.end("overflow");
  join({}).subscription.end("completed");
  for (let count = 0; count < 12; count++) join({ valve: "shut" });

  writing.valve = "shut";
  for (let count = 0; count < 5; count++) hub.publish("a", "123456789", { key: "same" });
  leaving.subscription.end("replaced");
  hub.publish("a", "much longer than ten");
  clock.block(30);
  clock.advance(400);
  late.sink.pull();
  clock.settle();
  for (let count = 0; count < 8; count++) hub.publish("a", "123456789", { key: "same" });
  clock.block(1_700);
  clock.advance(4_000);
  hub.publish("a", "7");
  clock.settle();

  assert.throws(() => hub.publish("a..b", ""));
  assert.throws(() => hub.subscribe("a..b"));
  return { hub, clock, settle };
}

/** The figures of those metrics that have a name of their own for Prometheus. */
export function prometheusFigures(stats: HubStats): Figures {
  const figures = new Map<string, number>();
  const add = (name: string, value: number, labels?: Record<string, string>) =>
    void figures.set(figureKey(name, labels), value);
  const addAll = (name: string, label: string, values: Readonly<Record<string, number>>) => {
    for (const [key, value] of Object.entries(values)) add(name, value, { [label]: key });
  };
  const addHistogram = (name: string, { bounds, counts, sum, count }: HistogramSnapshot, scale: number) => {
    for (const [index, bound] of [...bounds, Number.POSITIVE_INFINITY].entries()) {
      const upTo = counts.slice(0, index + 1).reduce((total, inBucket) => total + inBucket, 0);
      add(`${name}_bucket`, upTo, { le: bound === Infinity ? "+Inf" : `${bound / scale}` });
    }
    add(`${name}_sum`, sum / scale);
    add(`${name}_count`, count);
  };

  add("spillway_messages_published_total", stats.published);
  add("spillway_messages_matched_total", stats.matched);
  add("spillway_messages_delivered_total", stats.delivered);
  const dropped: Losses = stats.dropped;
  addAll("spillway_messages_dropped_total", "reason", dropped);
  add("spillway_messages_conflated_total", stats.conflated);
  add("spillway_messages_expired_total", stats.expired);
  add("spillway_messages_discarded_total", stats.discardedAtClose);
  add("spillway_messages_replayed_total", stats.replayed);
  add("spillway_messages_queued", stats.queued);
  add("spillway_messages_in_flight", stats.inFlight);
  add("spillway_messages_retained", stats.retained.messages);
  add("spillway_data_published_bytes_total", stats.publishedBytes);
  add("spillway_data_delivered_bytes_total", stats.deliveredBytes);
  add("spillway_data_queued_bytes", stats.queuedBytes);
  add("spillway_data_in_flight_bytes", stats.inFlightBytes);
  add("spillway_data_retained_bytes", stats.retained.bytes);
  addHistogram("spillway_delivery_lag_seconds", stats.lagMs, 1_000);
  add("spillway_backlog_age_seconds", stats.worstLagMs / 1_000);
  add("spillway_batches_written_total", stats.batches);
  addHistogram("spillway_batch_size", stats.batchMessages, 1);
  add("spillway_gaps_announced_total", stats.gaps);
  addAll("spillway_subscriptions_active", "state", stats.subscriptions);
  add("spillway_subscriptions_slow", stats.slow);
  for (const reason of Object.keys(CLOSE_REASONS))
    add("spillway_subscriptions_ended_total", stats.ended[reason] ?? 0, { reason });
  addAll("spillway_subscriptions_refused_total", "code", stats.refused.subscriptions);
  addAll("spillway_publishes_refused_total", "code", stats.refused.publishes);
  add("spillway_episodes_slow_total", stats.slowEpisodes);
  add("spillway_episodes_stalled_total", stats.stalls);
  add("spillway_episodes_parked_total", stats.parked);
  for (const state of ["off", "paused", "paced"])
    add("spillway_evictions_brake", stats.brake === state ? 1 : 0, { state });
  add("spillway_evictions_held_back", stats.evictionsHeldBack);
  add("spillway_history_loads_active", stats.historyLoads.running, { state: "running" });
  add("spillway_history_loads_active", stats.historyLoads.waiting, { state: "waiting" });
  add("spillway_history_loads_ended_total", stats.historyLoads.completed, { outcome: "completed" });
  add("spillway_history_loads_ended_total", stats.historyLoads.failed, { outcome: "failed" });
  add("spillway_history_loads_ended_total", stats.historyLoads.cancelled, { outcome: "cancelled" });
  add("spillway_topics_known", stats.topics);
  addHistogram("spillway_loop_lateness_seconds", stats.loopLatenessMs, 1_000);
  return figures;
}
