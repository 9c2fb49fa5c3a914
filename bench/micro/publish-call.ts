/**
 * How long a publisher is held up: the call of `publish()` alone, with 10,000 subscribers. The flush that follows is not
 * in it, and has been waited for before the next turn begins.
 *
 * The first message of a turn puts every subscription on the flush list; those behind it find them there. The 99th
 * percentile includes collections of garbage and whatever else the machine did.
 *
 * @module
 */
import { Crowd } from "./crowd.ts";
import { sample } from "./sampling.ts";
import type { Row, Table } from "./table.ts";

const SUBSCRIBERS = 10_000;

function row(burst: number, quantile: "p50" | "p99"): Row {
  return {
    name: `${quantile}, ${burst} a turn`,
    async measure(budget) {
      const crowd = new Crowd(SUBSCRIBERS);
      await crowd.settle();
      let left = 0;
      let delivered = Promise.resolve();
      const { median, p99, marginPercent } = await sample(
        budget,
        async () => {
          if (left === 0) {
            await delivered;
            delivered = crowd.expect(burst);
            left = burst;
          }
          left--;
          const began = process.hrtime.bigint();
          crowd.publish();
          return { overriddenDuration: Number(process.hrtime.bigint() - began) / 1e6 };
        },
        { async: true },
      );
      await crowd.close();
      return { nanoseconds: quantile === "p50" ? median : p99, marginPercent };
    },
  };
}

const table: Table = {
  module: import.meta.url,
  name: "publish() alone",
  operation: `one call of publish() with ${SUBSCRIBERS} subscribers`,
  rows: (level) =>
    (level === "headline" ? [16] : [1, 16]).flatMap((burst) => [row(burst, "p50"), row(burst, "p99")]),
};

export const tables: readonly Table[] = [table];
