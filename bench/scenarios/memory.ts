/**
 * What subscribers cost the server in memory: idle ones, and stalled ones by the bound of their queue.
 *
 * Payloads are shared, so a stalled subscriber of Spillway should cost much less than its bound, and never more. Where
 * nothing bounds what waits, memory goes on rising for as long as one measures.
 *
 * @module
 */

import type { QueueBounds } from "../../src/protocol/index.ts";
import { type CellPlan, subscribers, usualWarmUp } from "../harness/plan.ts";
import type { Load } from "../results.ts";
import { type Contender, cellId, contender, type Scenario, whose } from "./scenario.ts";

const NAME = "memory";
const IDLE = 1_000;
const WITNESSES = 10;
/** A stalled subscriber has one batch in flight beside its queue. */
const BATCH_BYTES = 32 * 1024;
const BOUNDS: readonly (QueueBounds & { readonly name: string })[] = [
  { name: "64 KiB", messages: 128, bytes: 64 * 1024 },
  { name: "1 MiB", messages: 2_048, bytes: 1024 * 1024 },
];

export const memory: Scenario = {
  name: NAME,
  about: "memory per idle and per stalled subscriber, by bound",
  cells({ level }) {
    if (level !== "full") return [];
    return [
      ...["spillway", "fire-and-forget"].map((system) => idle(contender(system))),
      ...[100, 1_000].flatMap((stalled) => [
        ...BOUNDS.map((bound) => stall(bounded(bound), stalled, bound)),
        ...["fire-and-forget", "unbounded"].map((system) => stall(contender(system), stalled)),
      ]),
    ];
  },
};

function idle(contender: Contender): CellPlan {
  const load: Load = { healthy: IDLE, slow: 0, payloadBytes: 128, rate: 2, burst: 1, seconds: 1 };
  return {
    id: cellId(NAME, contender, `${IDLE} idle`),
    scenario: NAME,
    ...whose(contender),
    group: `${NAME} idle`,
    load,
    trial: {
      settings: contender.settings,
      // One message, so that whatever is made with the first one is there when memory is looked at.
      warmUps: usualWarmUp(load),
      healthy: subscribers("healthy", IDLE, { raw: true }),
      companions: [],
      figures: ["memory"],
    },
  };
}

function stall(contender: Contender, stalled: number, bound?: QueueBounds): CellPlan {
  const load: Load = {
    healthy: WITNESSES,
    slow: stalled,
    ...(stalled === 0 ? {} : { slowKind: "sigstop" }),
    payloadBytes: 1_024,
    rate: 100,
    burst: 1,
    seconds: 3,
  };
  return {
    id: cellId(NAME, contender, `${stalled} stalled`),
    scenario: NAME,
    ...whose(contender),
    group: `${NAME} ${stalled}`,
    load,
    trial: {
      settings: contender.settings,
      // In messages of the measured size, so that as many wait as the row says.
      warmUps: usualWarmUp(load, {
        floodBytes: 128 * 1024 + (bound?.bytes ?? 1024 * 1024),
        floodPayloadBytes: load.payloadBytes,
      }),
      healthy: subscribers("healthy", WITNESSES),
      companions: stalled === 0 ? [] : [{ name: "stalled", subscribers: subscribers("sigstop", stalled) }],
      figures: ["memory"],
      ...(bound === undefined ? {} : { constants: { stalledBoundBytes: bound.bytes + BATCH_BYTES } }),
    },
  };
}

function bounded(bound: QueueBounds & { readonly name: string }): Contender {
  const { name, messages, bytes } = bound;
  const settings = { overflow: "drop-oldest", queue: { messages, bytes } } as const;
  return { system: "spillway", variant: `drop-oldest, ${name}`, settings };
}
