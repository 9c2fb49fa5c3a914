/**
 * What healthy subscribers pay in the engine for those who take nothing.
 *
 * A figure is what one `publish()` costs for 1,000 healthy subscribers, until all of them have it, alone and beside
 * 9,000 others. Stalled ones are off the flush list but are still offered every message, because their policy must see
 * it: they cost the offer, and in a full queue the loss of another message. Parked ones are on no list.
 *
 * @module
 */
import { Crowd, TOPIC } from "./crowd.ts";
import { StuckSink } from "./null-sink.ts";
import { perOperation } from "./sampling.ts";
import type { Row, Table } from "./table.ts";

const HEALTHY = 1_000;
const SLOW = 9_000;
const BURST = 4;
/** Smaller than the default, so that it is full soon; what 9,000 of them touch is far more than a cache holds all the same. */
const BOUND = 128;

type Company = "nobody" | "stalled, drop-oldest" | "stalled, conflate" | "parked";

function row(company: Company): Row {
  return {
    name: company === "nobody" ? "alone" : `beside ${SLOW} ${company}`,
    async measure(budget) {
      const crowd = new Crowd(HEALTHY, {
        stallTimeoutMs: 1,
        escalation: [],
        retention: company === "parked" ? {} : false,
      });
      await crowd.settle();
      if (company !== "nobody") await addSlow(crowd, company);
      const measured = await perOperation(budget, BURST, () => crowd.deliver(BURST), { async: true });
      await crowd.close();
      return measured;
    },
  };
}

/** Their queues are full and their first write is old. */
async function addSlow(crowd: Crowd, company: Exclude<Company, "nobody">): Promise<void> {
  const overflow =
    company === "parked" ? "park" : company === "stalled, conflate" ? "conflate" : "drop-oldest";
  for (let index = 0; index < SLOW; index++) {
    // A queue that parks keeps what it had: there is no point in filling memory with it.
    const queue = { messages: company === "parked" ? 16 : BOUND };
    crowd.hub.attach({ patterns: [TOPIC], overflow, queue }, new StuckSink());
  }
  for (let published = 0; published < BOUND + 2 * BURST; published += BURST) await crowd.deliver(BURST);
  const arrived = () => {
    const { stalled, parked } = crowd.hub.stats().subscriptions;
    // One that is stalled counts as that, parked or not.
    return stalled + parked === SLOW;
  };
  while (!arrived()) await new Promise((resolve) => setTimeout(resolve, 50));
}

const table: Table = {
  module: import.meta.url,
  name: "slow company",
  operation: `one publish() until ${HEALTHY} healthy subscribers have it, ${BURST} a turn`,
  reference: "alone",
  rows: (level) => [
    row("nobody"),
    row("stalled, drop-oldest"),
    ...(level === "full" ? [row("stalled, conflate")] : []),
    row("parked"),
  ],
};

export const tables: readonly Table[] = [table];
