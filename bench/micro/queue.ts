import { Bench } from "tinybench";
import { OVERFLOW_POLICIES } from "../../src/protocol/index.ts";
import { BoundedQueue, overflowPolicy, type QueueItem } from "../../src/queue/index.ts";

const BOUND = 1024;
const BATCH = 2048;

/** Offers `BATCH` items to a queue of `BOUND`, then empties it: half of it is overload. */
export function queueBench(): Bench {
  const bench = new Bench({
    name: `queue: ${BATCH} offers to a bound of ${BOUND}, then all takes`,
    time: 500,
  });
  const items: QueueItem[] = Array.from({ length: BATCH }, (_, index) => ({
    offset: index + 1,
    bytes: 128,
    identity: `key ${index % 256}`,
  }));
  for (const name of OVERFLOW_POLICIES) {
    const queue = new BoundedQueue({ messages: BOUND, bytes: 1 << 20 }, overflowPolicy(name), { lose() {} });
    bench.add(name, () => {
      for (const item of items) queue.offer(item);
      while (queue.take() !== undefined);
    });
  }
  bench.add("plain array, drop-oldest", () => {
    const queue: QueueItem[] = [];
    for (const item of items) {
      if (queue.length === BOUND) queue.shift();
      queue.push(item);
    }
    while (queue.shift() !== undefined);
  });
  return bench;
}
