/**
 * CPU time of the server per delivery, by how many messages wait together: 100 subscribers on connections of their own,
 * 128 bytes.
 *
 * All systems have the same schedule, such that the dearest keeps its core about half busy. The cheap ones mostly sleep
 * then, and pay for waking up with cold caches; the micro-benchmark in a closed loop shows them warm. The clients are the
 * cheapest there are: they share the other core, and must not be what limits.
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
const SECONDS: Record<Level, number> = { headline: 1, full: 2, soak: 2 };

const OURS: Contender = { system: "spillway", settings: {} };
const PEERS = ["fire-and-forget", "http2"];
const MORE_PEERS = ["net", "ws", "nats", "redis", "grpc-go"];

/** Deliveries per second, by burst. */
const DELIVERIES: Readonly<Record<number, number>> = { 1: 20_000, 4: 48_000, 16: 48_000, 64: 48_000 };
const BURSTS = [1, 4, 16, 64];
const FEW_BURSTS = [1, 16];

export const cpu: Scenario = {
  name: NAME,
  about: "CPU time of the server per delivery, with 1 to 64 messages waiting",
  cells({ level, guests }) {
    if (level === "soak") return [];
    const main = [OURS, ...PEERS.map(contender)];
    const more = [...(level === "headline" ? [] : MORE_PEERS), ...guests].map(contender);
    const bursts = level === "headline" ? FEW_BURSTS : BURSTS;
    const usual = [
      ...bursts.flatMap((burst) => main.map((one) => cell(one, SUBSCRIBERS, burst, level))),
      ...FEW_BURSTS.flatMap((burst) => more.map((one) => cell(one, SUBSCRIBERS, burst, level))),
    ];
    if (level === "headline") return usual;
    return [...usual, ...FEW_BURSTS.map((burst) => cell(OURS, MANY, burst, level))];
  },
};

function cell(contender: Contender, healthy: number, burst: number, level: Level): CellPlan {
  const deliveries = DELIVERIES[burst]!;
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
      warmUps: usualWarmUp(load, { seconds: 0.6 }),
      healthy: subscribers("healthy", healthy, { raw: true }),
      companions: [],
    },
  };
}
