/**
 * The engine alone: `publish()`, queues, flush and pump, to sinks that take everything at once.
 *
 * A figure is what one message costs for one subscriber, from `publish()` until the last subscriber has the last
 * message of the turn. Read it along N: an engine that does the same work for everybody stays level, and what is
 * left of a rise from 100 subscribers to 10,000 is memory, 10,000 subscriptions being more than a processor's cache
 * holds. With few subscribers, or one message a turn, the turn of the event loop is divided among fewer.
 *
 * Under `conflate` no two messages of a turn have the same key: everything is delivered, and the index of keys is what
 * it costs more.
 *
 * @module
 */
import type { OverflowPolicyName } from "../../src/protocol/index.ts";
import { Crowd } from "./crowd.ts";
import { perOperation } from "./sampling.ts";
import type { Row, Table } from "./table.ts";

function fanOut(overflow: OverflowPolicyName, burst: number): Table {
  const row = (subscribers: number): Row => ({
    name: `${subscribers} subscribers`,
    async measure(budget) {
      const crowd = new Crowd(subscribers, { overflow });
      await crowd.settle();
      const measured = await perOperation(budget, burst * subscribers, () => crowd.deliver(burst), {
        async: true,
      });
      await crowd.close();
      return measured;
    },
  });
  return {
    module: import.meta.url,
    name: `fan-out, ${overflow}, ${burst} a turn`,
    operation: "one message to one of N null sinks, from publish() until all have all of the turn",
    reference: "100 subscribers",
    rows(level) {
      if (level === "full") return [1, 10, 100, 1_000, 10_000].map(row);
      return overflow === "conflate" && burst === 1 ? [] : [100, 10_000].map(row);
    },
  };
}

export const tables: readonly Table[] = [
  fanOut("drop-oldest", 16),
  fanOut("drop-oldest", 1),
  fanOut("conflate", 16),
  fanOut("conflate", 1),
];
