import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { figuresOf } from "../../../bench/harness/figures.ts";
import type { Reports } from "../../../bench/harness/outcome.ts";
import { subscribers } from "../../../bench/harness/plan.ts";

const mark = (heapBytes: number, bufferBytes = 0) => ({ heapBytes, bufferBytes });
/** Before anyone subscribed, with all subscribers, and after the warm-up. */
const marks = [mark(1_000), mark(3_000, 10), mark(9_000, 90)];

/** What a trial with ten subscribers says of memory, of whom so many are stalled. */
function memory(slow: number) {
  const load = { healthy: 10 - slow, slow, payloadBytes: 64, rate: 1, burst: 1, seconds: 1 };
  const companion = { name: "stalled", subscribers: subscribers("sigstop", slow) };
  const plan = {
    load,
    trial: {
      healthy: subscribers("healthy", load.healthy),
      companions: slow === 0 ? [] : [companion],
      figures: ["memory"],
    },
  };
  const { deliveries: _, ...figures } = figuresOf(
    { plan, marks, healthy: [], companions: [] } as unknown as Reports,
    [],
  );
  return figures;
}

describe("the memory of a subscriber", () => {
  it("that is idle is what is there after the first messages", () => {
    assert.deepEqual(memory(0), { idleHeapBytes: 800 });
  });

  it("that is stalled is what has come to be there since it subscribed", () => {
    assert.deepEqual(memory(2), { idleHeapBytes: 200, stalledHeapBytes: 3_040 });
  });
});
