/**
 * How long the server's event loop is held up when 10,000 subscriptions are ready at once, on 100 connections.
 *
 * Spillway works in slices: after 5 ms of its own, or 200 writes, others have their turn, but the native send of what was
 * written comes in between and cannot be interrupted.
 *
 * @module
 */
import { type CellPlan, subscribers, usualWarmUp } from "../harness/plan.ts";
import type { Load } from "../results.ts";
import { type Contender, cellId, contender, type Scenario, whose } from "./scenario.ts";

const NAME = "loop";
const LOAD: Load = {
  healthy: 10_000,
  slow: 0,
  payloadBytes: 128,
  rate: 1,
  burst: 1,
  perConnection: 100,
  seconds: 5,
};

/** The default slice, and 200 lone writes at the 47 µs that they were measured to take at most. */
const SLICE_MS = 5;
const SEND_MS = 200 * 0.047;

export const loop: Scenario = {
  name: NAME,
  about: "delay of the server's event loop with 10,000 ready subscriptions",
  cells({ level }) {
    return level === "full" ? [contender("spillway"), contender("fire-and-forget")].map(cell) : [];
  },
};

function cell(contender: Contender): CellPlan {
  return {
    id: cellId(NAME, contender, "10000 ready"),
    scenario: NAME,
    ...whose(contender),
    group: NAME,
    load: LOAD,
    trial: {
      settings: contender.settings,
      warmUps: usualWarmUp(LOAD, { seconds: 2 }),
      healthy: subscribers("healthy", LOAD.healthy, { perConnection: 100 }),
      companions: [],
      loopResolutionMs: 1,
      finishLimitMs: 3_000,
      constants: { loopDelayBoundMs: SLICE_MS + SEND_MS },
    },
  };
}
