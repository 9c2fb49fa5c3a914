/**
 * Spillway itself: a hub behind the contract of the benchmark, served as its users serve it. Messages go out with nothing
 * around them, so what the subscribers are told beside them (losses, and with `conflate` what was replaced) takes the form
 * of {@link lossNotice}.
 *
 * @module
 */
import {
  type ControlFrame,
  fanoutMethod,
  Hub,
  type HubOptions,
  type HubStats,
  type SpillwayServer,
  serve,
} from "../../src/index.ts";
import type { RunningServer, ServerCounters, Settings } from "../system.ts";
import { SUBSCRIBE } from "./grpc-contract.ts";
import { grpcSystem } from "./grpc-system.ts";
import { lossNotice } from "./loss-notice.ts";

const TOPIC = "bench";

/** Under `conflate`, messages take turns in being about so many things. */
const KEYS = Array.from({ length: 64 }, (_, index) => `key-${index}`);
const SEQUENCE_AT = 8;

/** Retention is set by messages alone. */
const RETAINED_BYTES = 2 ** 32;

export default grpcSystem({
  name: "spillway",
  kind: "ours",
  about: "a bounded queue and a policy per subscriber, batches of frames",
  async start(settings) {
    const hub = new Hub(hubOptions(settings));
    const subscribe = fanoutMethod(SUBSCRIBE, { hub, topic: () => TOPIC, control: noticeOf });
    const served = await serve(hub, {
      listen: "127.0.0.1:0",
      longlived: false,
      fanout: false,
      // What still waits when a trial ends is of no interest.
      drainTimeoutMs: 100,
      services: (server) =>
        server.addService({ Subscribe: subscribe.definition }, { Subscribe: subscribe.handler }),
    });
    return running(hub, served, settings);
  },
});

function running(hub: Hub, served: SpillwayServer, { overflow }: Settings): RunningServer {
  return {
    address: served.address,
    publish:
      overflow === "conflate"
        ? (payload) => void hub.publish(TOPIC, payload, { key: keyOf(payload) })
        : (payload) => void hub.publish(TOPIC, payload),
    counters: () => countersOf(hub.stats()),
    stop: () => served.close(),
  };
}

function hubOptions(settings: Settings): HubOptions {
  const { overflow, queue, evictStalledMs, lingerMs } = settings;
  const retained = settings.retainMessages ?? (overflow === "park" ? 65_536 : 0);
  return {
    ...(overflow === undefined ? {} : { overflow }),
    // Holding up publishers is for the owner to grant.
    ...(overflow === "block" ? { authorize: () => ({ overflow: ["block"] }) } : {}),
    ...(queue === undefined ? {} : { queue }),
    ...(lingerMs === undefined ? {} : { lingerMs }),
    ...(retained === 0
      ? {}
      : { topics: { [TOPIC]: { retention: { messages: retained, bytes: RETAINED_BYTES } } } }),
    // What was replaced is told with the progress, and a trial lasts seconds.
    ...(overflow === "conflate" ? { progressIntervalMs: 250 } : {}),
    ...(evictStalledMs === undefined ? {} : evictingAfter(evictStalledMs)),
  };
}

/** Evicts whoever takes nothing for so long, without the patience for large batches and newcomers that it has by default. */
function evictingAfter(stalledMs: number): HubOptions {
  return {
    stallTimeoutMs: stalledMs,
    minBytesPerSecond: 2 ** 30,
    newcomerGraceMs: Math.min(5_000, stalledMs),
    escalation: [{ when: { stalledForMs: 0 }, policy: "evict" }],
  };
}

/** Payloads are stamped with the number of their turn. */
function keyOf(payload: Uint8Array): string {
  return KEYS[(payload[SEQUENCE_AT] ?? 0) % KEYS.length]!;
}

function noticeOf(frame: ControlFrame): Buffer | undefined {
  if (frame.kind === "gap") return lossNotice(frame.count);
  if (frame.kind === "progress" && frame.conflated > 0) return lossNotice(frame.conflated);
  return undefined;
}

function countersOf(stats: HubStats): ServerCounters {
  const dropped = Object.values(stats.dropped).reduce((sum, count) => sum + count, 0);
  const { matched, delivered, conflated, expired, queued, inFlight, discardedAtClose, ended } = stats;
  return {
    dropped,
    conflated,
    evicted: EVICTIONS.reduce((sum, reason) => sum + (ended[reason] ?? 0), 0),
    queued,
    queuedBytes: stats.queuedBytes,
    writes: stats.batches,
    balanced: matched === delivered + dropped + conflated + expired + queued + inFlight + discardedAtClose,
  };
}

const EVICTIONS = ["overflow", "overrun", "slow", "stalled"] as const;
