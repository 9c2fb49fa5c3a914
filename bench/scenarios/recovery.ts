/**
 * How long it takes until all is as it should be again: after clients were frozen for five seconds, and after a second in
 * which ten times as much was published.
 *
 * The frozen ones keep books as the healthy do: when they come back, what they have lost must have been told, to a message.
 *
 * @module
 */
import { type CellPlan, subscribers, usualWarmUp } from "../harness/plan.ts";
import type { Load } from "../results.ts";
import { type Contender, cellId, contender, type Scenario, whose } from "./scenario.ts";

const NAME = "recovery";
const FROZEN = 10;
const QUEUE = { messages: 128, bytes: 128 * 1024 };
const BETWEEN = { healthy: 100, payloadBytes: 1_024, rate: 100, burst: 1 };

const DROP_OLDEST: Contender = {
  system: "spillway",
  variant: "drop-oldest",
  settings: { overflow: "drop-oldest", queue: QUEUE },
};
const PARK: Contender = {
  system: "spillway",
  variant: "park",
  settings: { overflow: "park", queue: QUEUE, retainMessages: 65_536 },
};

export const recovery: Scenario = {
  name: NAME,
  about: "until all are current again: after a freeze of 5 s, after a burst of ten times the rate",
  cells({ level }) {
    if (level !== "full") return [];
    return [
      ...[DROP_OLDEST, PARK, ...["sequential-await", "fire-and-forget"].map(contender)].map(freeze),
      ...[DROP_OLDEST, ...["fire-and-forget", "unbounded"].map(contender)].map(burst),
    ];
  },
};

function freeze(contender: Contender): CellPlan {
  const load: Load = { ...BETWEEN, slow: FROZEN, slowKind: "sigstop", seconds: 8 };
  const companion = "frozen";
  return {
    id: cellId(NAME, contender, "freeze"),
    scenario: NAME,
    ...whose(contender),
    group: `${NAME} freeze`,
    load,
    trial: {
      settings: contender.settings,
      warmUps: usualWarmUp(load),
      healthy: subscribers("healthy", load.healthy, { raw: true }),
      companions: [{ name: companion, subscribers: subscribers("draining", FROZEN), witness: true }],
      events: [
        { atMs: 1_000, what: "stopped", companion },
        { atMs: 6_000, what: "continued", companion },
      ],
      finishLimitMs: 3_000,
      figures: ["recovery"],
    },
  };
}

function burst(contender: Contender): CellPlan {
  const load: Load = { ...BETWEEN, slow: 0, seconds: 5 };
  const { rate } = load;
  return {
    id: cellId(NAME, contender, "burst"),
    scenario: NAME,
    ...whose(contender),
    group: `${NAME} burst`,
    load,
    trial: {
      settings: contender.settings,
      phases: [
        { rate, burst: 1, seconds: 1 },
        { rate: 10 * rate, burst: 1, seconds: 1 },
        { rate, burst: 1, seconds: 3 },
      ],
      warmUps: usualWarmUp(load),
      healthy: subscribers("healthy", load.healthy, { raw: true }),
      companions: [],
      finishLimitMs: 3_000,
      figures: ["recovery"],
    },
  };
}
