/**
 * The slow-consumer tax: what 100 healthy subscribers pay when k slow ones sit beside them.
 *
 * Every cell is compared with the same system in the same block without slow ones; those that come and go with as many
 * that come and go and read everything, since connecting costs what it costs.
 *
 * The queue is small, so that it is full before anything is measured: what costs is dropping, not filling. Healthy
 * subscribers have the client that costs least, because what their own process does with a message is nobody's tax.
 *
 * `evict` is left to the scenario of the policies: with so small a queue, one hitch of the machine ends healthy subscribers.
 *
 * @module
 */
import { type CellPlan, type Companion, subscribers, usualWarmUp } from "../harness/plan.ts";
import type { Load, SlowKind } from "../results.ts";
import type { Settings } from "../system.ts";
import { type Contender, cellId, contender, type Level, type Scenario, whose } from "./scenario.ts";

const NAME = "tax";
const HEALTHY = 100;
/** In a short run more a second, so that three trials have the thousand messages that a p99 needs. */
const RATE: Record<Level, number> = { headline: 260, full: 200, soak: 200 };
const PAYLOAD_BYTES = 1_024;
const QUEUE = { messages: 128, bytes: 64 * 1024 };
/** Past the stream's window and the queue, with something to spare for the kernel. */
const FLOOD_BYTES = 256 * 1024;
/** Reads 20 messages a second. */
const DELAY_MS = 50;
const SECONDS: Record<Level, number> = { headline: 1.3, full: 3, soak: 3 };

const DROP_OLDEST = spillway("drop-oldest");
const OTHER_POLICIES: readonly Contender[] = [
  spillway("conflate"),
  spillway("park", { retainMessages: 65_536 }),
];
const BASELINES = ["sequential-await", "fire-and-forget", "drain-all", "unbounded"].map(contender);
/** Too many for a headline that is to take three minutes. */
const MORE_BASELINES = ["bounded", "event-emitter"].map(contender);

export const tax: Scenario = {
  name: NAME,
  about: "healthy subscribers beside k slow ones, of every kind",
  cells({ level, guests }) {
    if (level === "soak") return [];
    const all = level === "headline" ? headline() : full();
    const beside = guests.map(contender).flatMap((guest) => sigstop(guest, [0, 10]));
    return [...all, ...beside].map(({ contender, slow, kind }) => cell(contender, slow, kind, level));
  },
};

interface Company {
  readonly contender: Contender;
  readonly slow: number;
  readonly kind: SlowKind;
}

function headline(): Company[] {
  return [DROP_OLDEST, ...BASELINES].flatMap((contender) => sigstop(contender, [0, 10]));
}

function full(): Company[] {
  const kinds = [
    "sigstop",
    "window-0",
    "paused",
    "delayed",
    "reconnecting",
    "draining-reconnecting",
  ] as const;
  return [
    { contender: DROP_OLDEST, slow: 0, kind: "sigstop" },
    ...kinds.flatMap((kind) => [1, 10, 50].map((slow) => ({ contender: DROP_OLDEST, slow, kind }))),
    { contender: DROP_OLDEST, slow: 10, kind: "draining" },
    ...OTHER_POLICIES.flatMap((contender) => sigstop(contender, [0, 10])),
    ...[...BASELINES, ...MORE_BASELINES].flatMap((contender) => sigstop(contender, [0, 10])),
  ];
}

function sigstop(contender: Contender, counts: readonly number[]): Company[] {
  return counts.map((slow) => ({ contender, slow, kind: "sigstop" }));
}

function cell(contender: Contender, slow: number, kind: SlowKind, level: Level): CellPlan {
  const load: Load = {
    healthy: HEALTHY,
    slow,
    ...(slow === 0 ? {} : { slowKind: kind }),
    payloadBytes: PAYLOAD_BYTES,
    rate: RATE[level],
    burst: 1,
    seconds: SECONDS[level],
  };
  const control = slow === 0 ? undefined : controlOf(contender, slow, kind);
  return {
    id: id(contender, slow, kind),
    scenario: NAME,
    ...whose(contender),
    group: NAME,
    ...(control === undefined ? {} : { control }),
    load,
    trial: {
      settings: contender.settings,
      warmUps: usualWarmUp(load, { floodBytes: FLOOD_BYTES, seconds: 0.4 }),
      ...(level === "headline" ? { settleLimitMs: 1_000 } : {}),
      healthy: subscribers("healthy", HEALTHY, { raw: true }),
      companions: slow === 0 ? [] : [company(slow, kind)],
      conflates: contender.settings.overflow === "conflate",
    },
  };
}

/** Those that read all have a client as bare as that of those without a window: they are to differ in reading only. */
function company(slow: number, kind: SlowKind): Companion {
  const raw = kind === "draining" || kind === "draining-reconnecting";
  return { name: kind, subscribers: subscribers(kind, slow, { delayMs: DELAY_MS, raw }) };
}

/** Whoever comes and goes and reads is itself only a control, compared with nobody being there at all. */
function controlOf(contender: Contender, slow: number, kind: SlowKind): string {
  return kind === "reconnecting" ? id(contender, slow, "draining-reconnecting") : id(contender, 0, "sigstop");
}

function id(contender: Contender, slow: number, kind: SlowKind): string {
  return cellId(NAME, contender, slow === 0 ? "0 slow" : `${slow} ${kind}`);
}

function spillway(overflow: NonNullable<Settings["overflow"]>, settings: Settings = {}): Contender {
  return { system: "spillway", variant: overflow, settings: { overflow, queue: QUEUE, ...settings } };
}
