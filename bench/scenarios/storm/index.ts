/**
 * 1,000 clients lose their connections at once and come back with their positions, beside 100 healthy subscribers: what it
 * costs those, and that nobody who came back has lost anything or got it twice.
 *
 * Compared with the same 1,000 clients when they stay. They keep books too, across both of their connections.
 *
 * @module
 */
import { join } from "node:path";
import { type CellPlan, subscribers, usualWarmUp } from "../../harness/plan.ts";
import type { Load } from "../../results.ts";
import { type Contender, cellId, type Scenario, whose } from "../scenario.ts";

const NAME = "storm";
const CLIENTS = 1_000;
const OURS: Contender = { system: "spillway", settings: { retainMessages: 65_536 } };
const LOAD: Load = { healthy: 100, slow: CLIENTS, payloadBytes: 128, rate: 20, burst: 1, seconds: 6 };
const STAY = id("stay");

export const storm: Scenario = {
  name: NAME,
  about: `${CLIENTS} clients come back at once with their positions`,
  cells: ({ level }) => (level === "full" ? [cell("stay"), cell("resume")] : []),
};

function cell(what: "stay" | "resume"): CellPlan {
  const resumes = what === "resume";
  const client = { name: what, subscribers: subscribers("draining", CLIENTS), witness: true };
  return {
    id: id(what),
    scenario: NAME,
    ...whose(OURS),
    group: NAME,
    ...(resumes ? { control: STAY } : {}),
    load: LOAD,
    trial: {
      settings: OURS.settings,
      module: new URL("./system.js", import.meta.url).href,
      warmUps: usualWarmUp(LOAD, { seconds: 1 }),
      healthy: subscribers("healthy", LOAD.healthy),
      companions: [resumes ? { ...client, module: join(import.meta.dirname, "client-process.js") } : client],
      finishLimitMs: 3_000,
    },
  };
}

function id(what: "stay" | "resume"): string {
  return cellId(NAME, OURS, `${CLIENTS} ${what}`);
}
