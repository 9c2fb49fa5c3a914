/**
 * Nobody is slow: the same number of deliveries per second, over few subscribers or many and in small messages or large,
 * up a ladder. The knee is the highest step at which p99 stays below 50 ms and nothing is lost.
 *
 * @module
 */
import { type CellPlan, subscribers, usualWarmUp } from "../harness/plan.ts";
import type { Load } from "../results.ts";
import { type Contender, cellId, contender, type Scenario, whose } from "./scenario.ts";

const NAME = "healthy";
const KB = 1_024;
/** Deliveries per second. */
const LADDER = [20_000, 40_000, 80_000];
/** One subscriber gets what one write after the other carries; large messages fill the wire sooner. */
const LOWER = [5_000, 10_000, 20_000];
const SHAPES = [
  { healthy: 1, payloadBytes: KB, ladder: LOWER },
  { healthy: 10, payloadBytes: KB, ladder: LADDER },
  { healthy: 100, payloadBytes: 64, ladder: LADDER },
  { healthy: 100, payloadBytes: KB, ladder: LADDER },
  { healthy: 100, payloadBytes: 16 * KB, ladder: LOWER },
  { healthy: 1_000, payloadBytes: KB, ladder: LADDER },
];
/** Both the same load; the second is what most would write. */
const COMPARED = { healthy: 100, payloadBytes: KB };

export const healthy: Scenario = {
  name: NAME,
  about: "no slow subscribers: a ladder of rates for 1 to 1,000 subscribers, 64 bytes to 16 KiB",
  cells({ level, guests }) {
    if (level !== "full") return [];
    const others = ["fire-and-forget", ...guests].map(contender);
    return [
      ...SHAPES.flatMap((shape) => shape.ladder.map((step) => cell(contender("spillway"), shape, step))),
      ...others.flatMap((one) => LADDER.map((step) => cell(one, COMPARED, step))),
    ];
  },
};

function cell(
  contender: Contender,
  { healthy, payloadBytes }: { readonly healthy: number; readonly payloadBytes: number },
  deliveries: number,
): CellPlan {
  const load: Load = { healthy, slow: 0, payloadBytes, rate: deliveries / healthy, burst: 1, seconds: 1.2 };
  return {
    id: cellId(NAME, contender, `${healthy} subscribers, ${payloadBytes} B, ${deliveries} a second`),
    scenario: NAME,
    ...whose(contender),
    group: `${NAME} ${healthy} ${payloadBytes}`,
    load,
    trial: {
      settings: contender.settings,
      warmUps: usualWarmUp(load, { seconds: 0.4 }),
      healthy: subscribers("healthy", healthy, { raw: true }),
      companions: [],
    },
  };
}
