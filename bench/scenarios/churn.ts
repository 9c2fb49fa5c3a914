/**
 * Subscribers that come and go, 200 a second, beside 100 that stay.
 *
 * @module
 */
import { type CellPlan, subscribers, usualWarmUp } from "../harness/plan.ts";
import type { Load } from "../results.ts";
import { type Contender, cellId, contender, type Scenario, whose } from "./scenario.ts";

const NAME = "churn";
const PLACES = 50;
const PER_SECOND = 200;
const LOAD: Load = { healthy: 100, slow: 0, payloadBytes: 1_024, rate: 100, burst: 1, seconds: 3 };

export const churn: Scenario = {
  name: NAME,
  about: `${PER_SECOND} subscribers a second that come and go`,
  cells({ level }) {
    if (level !== "full") return [];
    return ["spillway", "fire-and-forget"]
      .map(contender)
      .flatMap((contender) => [cell(contender, 0), cell(contender, PER_SECOND)]);
  },
};

function cell(contender: Contender, perSecond: number): CellPlan {
  return {
    id: id(contender, perSecond),
    scenario: NAME,
    ...whose(contender),
    group: NAME,
    ...(perSecond === 0 ? {} : { control: id(contender, 0) }),
    load: { ...LOAD, slow: perSecond === 0 ? 0 : PLACES },
    trial: {
      settings: contender.settings,
      warmUps: usualWarmUp(LOAD),
      healthy: subscribers("healthy", LOAD.healthy, { raw: true }),
      companions:
        perSecond === 0
          ? []
          : [
              {
                name: "churn",
                subscribers: subscribers("churning", PLACES, { churnPerSecond: perSecond, raw: true }),
              },
            ],
    },
  };
}

function id(contender: Contender, perSecond: number): string {
  return cellId(NAME, contender, `${perSecond} per second`);
}
