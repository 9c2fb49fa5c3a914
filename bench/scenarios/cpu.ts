/**
 * CPU time of the server per delivery, by how many messages wait together: 100 subscribers on connections of their own,
 * 128 bytes.
 *
 * The rate is such that a server uses about a third to two thirds of its core. It differs between systems, because a
 * system that is ten times as cheap would otherwise mostly sleep, and what waking up costs would count as delivery. The
 * clients are the cheapest there are: they share the other core, and must not be what limits.
 *
 * @module
 */
import { type CellPlan, subscribers, usualWarmUp } from "../harness/plan.ts";
import type { Load } from "../results.ts";
import { type Contender, cellId, contender, type Level, type Scenario, whose } from "./scenario.ts";

const NAME = "cpu";
const PAYLOAD_BYTES = 128;
const SUBSCRIBERS = 100;
const MANY = 1_000;
const SECONDS: Record<Level, number> = { headline: 1.5, full: 2.5, soak: 2.5 };

const OURS: Contender = { system: "spillway", settings: {} };
const PEERS = ["fire-and-forget", "http2"];
const MORE_PEERS = ["net", "ws", "nats", "redis", "grpc-go"];

/** Those that hand every message to the transport by itself, whatever waits. */
const ONE_BY_ONE = new Set(["fire-and-forget", "ws"]);
/** Deliveries per second that keep a server about half busy, by burst. */
const DELIVERIES: Readonly<Record<number, number>> = { 1: 20_000, 4: 60_000, 16: 160_000, 64: 256_000 };

export const cpu: Scenario = {
  name: NAME,
  about: "CPU time of the server per delivery, with 1 to 64 messages waiting",
  cells({ level, guests }) {
    if (level === "soak") return [];
    const bursts = level === "headline" ? [1, 16] : [1, 4, 16, 64];
    const more = level === "headline" ? [] : MORE_PEERS.map(contender);
    const all = [OURS, ...[...PEERS].map(contender), ...more];
    return [
      ...bursts.flatMap((burst) => all.map((one) => cell(one, SUBSCRIBERS, burst, level))),
      ...guests
        .map(contender)
        .flatMap((guest) => [1, 16].map((burst) => cell(guest, SUBSCRIBERS, burst, level))),
      ...(level === "full" ? [1, 16].map((burst) => cell(OURS, MANY, burst, level)) : []),
    ];
  },
};

function cell(contender: Contender, healthy: number, burst: number, level: Level): CellPlan {
  const deliveries = ONE_BY_ONE.has(contender.system) ? DELIVERIES[1]! : DELIVERIES[burst]!;
  const load: Load = {
    healthy,
    slow: 0,
    payloadBytes: PAYLOAD_BYTES,
    rate: deliveries / healthy,
    burst,
    seconds: SECONDS[level],
  };
  return {
    id: cellId(
      NAME,
      contender,
      `${burst} waiting${healthy === SUBSCRIBERS ? "" : `, ${healthy} subscribers`}`,
    ),
    scenario: NAME,
    ...whose(contender),
    group: `${NAME} ${burst}`,
    load,
    trial: {
      settings: contender.settings,
      warmUps: usualWarmUp(load, { seconds: 1 }),
      healthy: subscribers("healthy", healthy, { raw: true }),
      companions: [],
    },
  };
}
