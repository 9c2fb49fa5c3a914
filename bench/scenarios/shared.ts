/**
 * 100 subscriptions as streams of 1, 10 and 100 connections, and beside them one that has stopped reading.
 *
 * Streams of one connection share its flow-control window. Where the client's HTTP/2 counts what nobody reads against it,
 * everybody on that connection waits, and no server can change that; Node's does not. What a server can do is not to make
 * one stream wait for another.
 *
 * @module
 */
import { type CellPlan, subscribers, usualWarmUp } from "../harness/plan.ts";
import type { Load } from "../results.ts";
import { type Contender, cellId, contender, type Scenario, whose } from "./scenario.ts";

const NAME = "shared";
const SUBSCRIPTIONS = 100;
const FLOOD_BYTES = 256 * 1024;
const OURS: Contender = {
  system: "spillway",
  variant: "drop-oldest",
  settings: { overflow: "drop-oldest", queue: { messages: 128, bytes: 64 * 1024 } },
};

export const shared: Scenario = {
  name: NAME,
  about: "one slow subscription among 100 that share 1, 10 or 100 connections",
  cells({ level }) {
    if (level !== "full") return [];
    return [
      ...[1, 10, 100].map((connections) => ({ contender: OURS, connections })),
      { contender: contender("fire-and-forget"), connections: 1 },
    ].flatMap(({ contender, connections }) => [0, 1].map((slow) => cell(contender, connections, slow)));
  },
};

function cell(contender: Contender, connections: number, slow: number): CellPlan {
  const perConnection = SUBSCRIPTIONS / connections;
  const load: Load = {
    healthy: SUBSCRIPTIONS,
    slow,
    ...(slow === 0 ? {} : { slowKind: "paused" }),
    payloadBytes: 1_024,
    rate: 100,
    burst: 1,
    perConnection,
    seconds: 2,
  };
  const slowAmong = perConnection > 1 ? slow : 0;
  const apart = { name: "slow", subscribers: subscribers("paused", slow) };
  return {
    id: id(contender, connections, slow),
    scenario: NAME,
    ...whose(contender),
    group: NAME,
    ...(slow === 0 ? {} : { control: id(contender, connections, 0) }),
    load,
    trial: {
      settings: contender.settings,
      warmUps: usualWarmUp(load, { floodBytes: FLOOD_BYTES }),
      healthy: subscribers("healthy", SUBSCRIPTIONS, { perConnection, slowAmong }),
      companions: slow > slowAmong ? [apart] : [],
    },
  };
}

function id(contender: Contender, connections: number, slow: number): string {
  const where = connections === 1 ? "1 connection" : `${connections} connections`;
  return cellId(NAME, contender, `${where}, ${slow} slow`);
}
