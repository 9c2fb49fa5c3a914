/**
 * Fan-out with our queue per subscriber beside the two obvious other ways: `p-queue` with a concurrency of 1 for each
 * subscriber, and a chain of promises for each. The work of a delivery is next to nothing in all three, so what is
 * compared is the way there. The other two do less: they have no bound, no policy and no books, and each of their
 * deliveries is a promise and a closure.
 *
 * @module
 */
import PQueue from "p-queue";
import { Crowd } from "./crowd.ts";
import { keep, perOperation } from "./sampling.ts";
import type { Row, Table } from "./table.ts";

const BURST = 16;

function spillway(subscribers: number): Row {
  return {
    name: `spillway, ${subscribers}`,
    async measure(budget) {
      const crowd = new Crowd(subscribers);
      await crowd.settle();
      const measured = await perOperation(budget, BURST * subscribers, () => crowd.deliver(BURST), {
        async: true,
      });
      await crowd.close();
      return measured;
    },
  };
}

function pQueue(subscribers: number): Row {
  return {
    name: `p-queue per subscriber, ${subscribers}`,
    measure(budget) {
      const queues = Array.from({ length: subscribers }, () => new PQueue({ concurrency: 1 }));
      const deliver = async () => keep(1);
      const fanOut = async () => {
        for (let message = 0; message < BURST; message++) {
          for (const queue of queues) void queue.add(deliver);
        }
        await Promise.all(queues.map((queue) => queue.onIdle()));
      };
      return perOperation(budget, BURST * subscribers, fanOut, { async: true });
    },
  };
}

function promiseChain(subscribers: number): Row {
  return {
    name: `promise chain per subscriber, ${subscribers}`,
    measure(budget) {
      const tails = Array.from({ length: subscribers }, () => Promise.resolve());
      const deliver = async () => keep(1);
      const fanOut = async () => {
        for (let message = 0; message < BURST; message++) {
          for (let index = 0; index < subscribers; index++) tails[index] = tails[index]!.then(deliver);
        }
        await Promise.all(tails);
      };
      return perOperation(budget, BURST * subscribers, fanOut, { async: true });
    },
  };
}

const table: Table = {
  module: import.meta.url,
  name: "our queue against promises",
  operation: `one message to one of N null sinks, ${BURST} messages a turn, until all have all`,
  reference: "spillway, 100",
  rows: (level) =>
    (level === "headline" ? [100] : [1, 100, 1_000]).flatMap((subscribers) => [
      spillway(subscribers),
      pQueue(subscribers),
      promiseChain(subscribers),
    ]),
};

export const tables: readonly Table[] = [table];
