/**
 * Half an hour at about half of what the server can do, with one in ten slow and one in a hundred replaced every second:
 * whether memory stays where it is, and latency too.
 *
 * @module
 */
import { type CellPlan, subscribers, usualWarmUp } from "../harness/plan.ts";
import type { Load } from "../results.ts";
import { type Contender, cellId, type Scenario, whose } from "./scenario.ts";

const NAME = "soak";
const SLOW = 10;
const OURS: Contender = {
  system: "spillway",
  variant: "drop-oldest",
  settings: { overflow: "drop-oldest", queue: { messages: 128, bytes: 128 * 1024 } },
};

export const soak: Scenario = {
  name: NAME,
  about: "half an hour, one subscriber in ten slow, one in a hundred replaced every second",
  cells: ({ level, soakMinutes }) => (level === "soak" ? [cell(soakMinutes)] : []),
};

function cell(minutes: number): CellPlan {
  const load: Load = {
    healthy: 100,
    slow: SLOW,
    slowKind: "sigstop",
    payloadBytes: 1_024,
    rate: 150,
    burst: 1,
    seconds: minutes * 60,
  };
  return {
    id: cellId(NAME, OURS, `${minutes} minutes`),
    scenario: NAME,
    ...whose(OURS),
    group: NAME,
    load,
    trial: {
      settings: OURS.settings,
      warmUps: usualWarmUp(load, { floodBytes: 256 * 1024, seconds: 5 }),
      healthy: subscribers("healthy", load.healthy, { raw: true }),
      companions: [
        { name: "stopped", subscribers: subscribers("sigstop", SLOW / 2) },
        { name: "delayed", subscribers: subscribers("delayed", SLOW / 2, { delayMs: 50 }) },
        { name: "churn", subscribers: subscribers("churning", 1, { churnPerSecond: 1 }) },
      ],
      // 180 points in half an hour.
      spanMs: minutes * (1_000 / 3),
      figures: ["trend"],
    },
  };
}
