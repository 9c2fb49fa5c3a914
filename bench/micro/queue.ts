/**
 * The queue of one subscriber without anything around it: what an offer costs, and the taking out that follows.
 *
 * Half of the offers find the queue full, so a policy that makes room shows what that costs; those that refuse do less
 * (`park`, `block` and `evict` leave the rest to the subscription). `conflate` is measured twice: with few keys, so that
 * most offers replace, and with none twice, so that it must make room like the others. The array and the linked list
 * drop the oldest too, count nothing, and know no bound of bytes.
 *
 * @module
 */
import { OVERFLOW_POLICIES, type OverflowPolicyName } from "../../src/protocol/index.ts";
import { BoundedQueue, overflowPolicy, type QueueItem } from "../../src/queue/index.ts";
import { LinkedList } from "./linked-list.ts";
import { keep, perOperation } from "./sampling.ts";
import type { Row, Table } from "./table.ts";

const BOUND = 1024;
const OFFERS = 2 * BOUND;
const FEW_KEYS = 256;

function items(keys: number): readonly QueueItem[] {
  return Array.from({ length: OFFERS }, (_, index) => ({
    offset: index + 1,
    bytes: 128,
    identity: `key ${index % keys}`,
  }));
}

function policyRow(name: string, policy: OverflowPolicyName, keys: number): Row {
  return {
    name,
    measure(budget) {
      const offered = items(keys);
      const queue = new BoundedQueue({ messages: BOUND, bytes: 1 << 20 }, overflowPolicy(policy), {
        lose() {},
      });
      return perOperation(budget, OFFERS, () => {
        for (const item of offered) queue.offer(item);
        let bytes = 0;
        for (let item = queue.take(); item !== undefined; item = queue.take()) bytes += item.bytes;
        keep(bytes);
      });
    },
  };
}

const plainArray: Row = {
  name: "plain array, drop-oldest",
  measure(budget) {
    const offered = items(FEW_KEYS);
    const queue: QueueItem[] = [];
    return perOperation(budget, OFFERS, () => {
      for (const item of offered) {
        if (queue.length === BOUND) queue.shift();
        queue.push(item);
      }
      let bytes = 0;
      for (let item = queue.shift(); item !== undefined; item = queue.shift()) bytes += item.bytes;
      keep(bytes);
    });
  },
};

const linkedList: Row = {
  name: "linked list, drop-oldest",
  measure(budget) {
    const offered = items(FEW_KEYS);
    const queue = new LinkedList<QueueItem>();
    return perOperation(budget, OFFERS, () => {
      for (const item of offered) {
        if (queue.length === BOUND) queue.shift();
        queue.push(item);
      }
      let bytes = 0;
      for (let item = queue.shift(); item !== undefined; item = queue.shift()) bytes += item.bytes;
      keep(bytes);
    });
  },
};

const table: Table = {
  module: import.meta.url,
  name: "queue, alone",
  operation: `one of ${OFFERS} offers to a bound of ${BOUND}, and its share of taking out what was kept`,
  reference: "drop-oldest",
  rows: (level) => [
    ...(level === "full" ? OVERFLOW_POLICIES : (["drop-oldest", "conflate"] as const)).map((policy) => {
      const note = policy === "conflate" ? `, ${FEW_KEYS} keys` : "";
      return policyRow(`${policy}${note}`, policy, FEW_KEYS);
    }),
    ...(level === "full" ? [policyRow("conflate, no key twice", "conflate", OFFERS)] : []),
    plainArray,
    linkedList,
  ],
};

export const tables: readonly Table[] = [table];
