/**
 * Reading the past against being live: 1,000 messages to each of 100 subscribers, once from the log (`start: "oldest"`)
 * and once as they are published. Catching up should cost no more: whoever comes back is no heavier a burden than it was.
 *
 * Subscribing is not in the figures. Of the live rows, "16 a turn" is ordinary traffic, and "1,000 a turn" moves batches
 * as large as those of catching up, which never waits for the next turn with a small one. Live rows include
 * `publish()`, which for those who catch up has been paid already.
 *
 * @module
 */
import type { Subscription } from "../../src/fanout/index.ts";
import { Crowd, TOPIC } from "./crowd.ts";
import { NullSink, Tally } from "./null-sink.ts";
import { perOperation } from "./sampling.ts";
import type { Row, Table } from "./table.ts";

const SUBSCRIBERS = 100;
const MESSAGES = 1_000;

const catchingUp: Row = {
  name: 'catching up from "oldest"',
  async measure(budget) {
    const crowd = new Crowd(0, { retention: { messages: MESSAGES } });
    for (let index = 0; index < MESSAGES; index++) crowd.publish();
    const tally = new Tally();
    let sinks: readonly NullSink[] = [];
    let subscriptions: readonly Subscription[] = [];
    const catchUp = () => {
      const complete = tally.expect(MESSAGES * SUBSCRIBERS);
      for (const sink of sinks) sink.pull();
      return complete;
    };
    const measured = await perOperation(budget, MESSAGES * SUBSCRIBERS, catchUp, {
      async: true,
      // New ones every time: reading the past is something that a subscription does once.
      beforeEach() {
        sinks = Array.from({ length: SUBSCRIBERS }, () => new NullSink(tally, true));
        subscriptions = sinks.map((sink) => crowd.hub.attach({ patterns: [TOPIC], start: "oldest" }, sink));
      },
      async afterEach() {
        for (const subscription of subscriptions) subscription.end("completed");
        while (crowd.hub.topicStats(TOPIC)?.subscribers !== 0)
          await new Promise((resolve) => setImmediate(resolve));
      },
    });
    await crowd.close();
    return measured;
  },
};

function live(perTurn: number): Row {
  return {
    name: `live, ${perTurn} a turn`,
    async measure(budget) {
      const crowd = new Crowd(SUBSCRIBERS, { retention: { messages: MESSAGES } });
      await crowd.settle();
      const deliverAll = async () => {
        for (let left = MESSAGES; left > 0; left -= perTurn) await crowd.deliver(Math.min(perTurn, left));
      };
      const measured = await perOperation(budget, MESSAGES * SUBSCRIBERS, deliverAll, { async: true });
      await crowd.close();
      return measured;
    },
  };
}

const table: Table = {
  module: import.meta.url,
  name: "catching up against live",
  operation: `one of ${MESSAGES} messages to one of ${SUBSCRIBERS} null sinks`,
  reference: "live, 16 a turn",
  rows: () => [live(16), live(MESSAGES), catchingUp],
};

export const tables: readonly Table[] = [table];
