/**
 * Every policy under the same overload: all subscribers read half of what is published. How much of it arrives, how old it
 * is by then, and how often they are told of a loss.
 *
 * Beside the server's queue, about 64 messages wait in each client's window, where no policy reaches them: they are part
 * of every age.
 *
 * @module
 */
import type { OverflowPolicyName } from "../../src/protocol/index.ts";
import { type CellPlan, subscribers, usualWarmUp } from "../harness/plan.ts";
import type { Load } from "../results.ts";
import { type Contender, cellId, contender, type Scenario, whose } from "./scenario.ts";

const NAME = "policy";
const POLICIES: readonly OverflowPolicyName[] = [
  "drop-oldest",
  "drop-newest",
  "conflate",
  "park",
  "block",
  "evict",
];
const QUEUE = { messages: 64, bytes: 256 * 1024 };
const RETAINED = 65_536;
const LOAD: Load = { healthy: 20, slow: 0, payloadBytes: 1_024, rate: 100, burst: 1, seconds: 4 };
/** After every message: timers and the rest of the loop make it 50 a second. */
const DELAY_MS = 19;

export const policy: Scenario = {
  name: NAME,
  about: "each policy when subscribers read half of what is published",
  cells({ level }) {
    if (level !== "full") return [];
    return [...POLICIES.map(ours), contender("unbounded")].map(cell);
  },
};

function ours(overflow: OverflowPolicyName): Contender {
  const holds = overflow === "park" || overflow === "block";
  const settings = { overflow, queue: QUEUE, ...(holds ? { retainMessages: RETAINED } : {}) };
  return { system: "spillway", variant: overflow, settings };
}

function cell(contender: Contender): CellPlan {
  return {
    id: cellId(NAME, contender, "half"),
    scenario: NAME,
    ...whose(contender),
    group: NAME,
    load: LOAD,
    trial: {
      settings: contender.settings,
      warmUps: usualWarmUp(LOAD, { seconds: 0.3 }),
      healthy: subscribers("delayed", LOAD.healthy, { delayMs: DELAY_MS }),
      companions: [],
      // What waits in queue and window when the schedule is over.
      finishLimitMs: 3_000,
      figures: ["staleness"],
      excusesDrops: true,
      conflates: contender.settings.overflow === "conflate",
      endsSubscribers: contender.settings.overflow === "evict",
    },
  };
}
