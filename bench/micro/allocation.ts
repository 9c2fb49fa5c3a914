/**
 * Bytes allocated on the way publish → queue → pump → null sink.
 *
 * What belongs to a message (the message object, its payload) is paid once, however many subscribers there are: that is
 * the row with nobody subscribed. What a subscriber adds is the slope between 100 and 1,000 of them: everything that is
 * there once per message, or once per turn, falls out of it. It should be next to nothing: what is left is the boxed
 * time of the flush's looks at the clock.
 *
 * Exact, not sampled: the young generation has room for everything, so nothing is collected while it is counted (that
 * is checked), and the event loop is stepped by hand, so nothing else runs.
 *
 * @module
 */
import { systemClock } from "../../src/clock.ts";
import { Hub, type Sink } from "../../src/fanout/index.ts";
import type { OverflowPolicyName } from "../../src/protocol/index.ts";
import { bytesAllocated, ROOM_FOR_GARBAGE } from "./collector.ts";
import { PAYLOAD, TOPIC } from "./crowd.ts";
import { NullSink, StuckSink, Tally } from "./null-sink.ts";
import { bytes, type Row, type Table } from "./table.ts";

const BURST = 16;
const TURNS = 32;
const MESSAGES = BURST * TURNS;
const WINDOWS = 7;
const WARM_UP_OFFERS = 2_000_000;
const [FEW, MANY] = [100, 1_000];
/** A queue of it is full after the warm-up. */
const BOUND = 128;

const KEYS = Array.from({ length: BURST }, (_, index) => `key ${index}`);

interface Path {
  readonly overflow: OverflowPolicyName;
  /** Everybody is stalled, with a full queue. */
  readonly stuck?: boolean;
}

/** A hub whose turns of the event loop are stepped by hand. */
class SteppedHub {
  readonly hub: Hub;
  readonly #due: (() => void)[] = [];

  constructor(subscribers: number, { overflow, stuck = false }: Path) {
    this.hub = new Hub({
      overflow,
      queue: { messages: BOUND },
      escalation: [],
      progressIntervalMs: 3_600_000,
      clock: { ...systemClock, soon: (run) => void this.#due.push(run) },
    });
    const tally = new Tally();
    // Never complete: it is not waited for.
    void tally.expect(Number.MAX_SAFE_INTEGER);
    const sink = (): Sink => (stuck ? new StuckSink() : new NullSink(tally));
    for (let index = 0; index < subscribers; index++) this.hub.attach({ patterns: [TOPIC] }, sink());
  }

  run(turns: number): void {
    for (let turn = 0; turn < turns; turn++) {
      for (const key of KEYS) this.hub.publish(TOPIC, PAYLOAD, { key });
      this.#settle();
    }
  }

  async close(): Promise<void> {
    const closed = this.hub.close({ drainTimeoutMs: 1 });
    let over = false;
    void closed.then(() => {
      over = true;
    });
    while (!over) {
      this.#settle();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #settle(): void {
    for (let run = this.#due.shift(); run !== undefined; run = this.#due.shift()) run();
  }
}

/** What `MESSAGES` messages cost, all subscribers together. */
async function cost(subscribers: number, path: Path): Promise<number> {
  const stepped = new SteppedHub(subscribers, path);
  // The compiler must have spoken its last word, on another thread, before anything is counted: code that is not
  // optimized yet allocates what optimized code does not.
  for (let round = 0; round < 64 && round * subscribers * MESSAGES < WARM_UP_OFFERS; round++) {
    stepped.run(TURNS);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const windows: number[] = [];
  while (windows.length < WINDOWS) {
    windows.push(await bytesAllocated(() => stepped.run(TURNS)));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await stepped.close();
  // What is allocated for every message is in each of them; what is only in some is the compiler's, on a busy machine.
  return Math.min(...windows);
}

function deliveryRow(name: string, path: Path): Row {
  return {
    name,
    execArgv: ROOM_FOR_GARBAGE,
    async measure() {
      const few = await cost(FEW, path);
      const many = await cost(MANY, path);
      return bytes({ allocatedBytes: (many - few) / (MESSAGES * (MANY - FEW)) });
    },
  };
}

const perMessage: Row = {
  name: "one message, nobody subscribed",
  execArgv: ROOM_FOR_GARBAGE,
  async measure() {
    return bytes({ allocatedBytes: (await cost(0, { overflow: "drop-oldest" })) / MESSAGES });
  },
};

const table: Table = {
  module: import.meta.url,
  bytesOnly: true,
  name: "allocation",
  operation: `one message of ${PAYLOAD.byteLength} bytes, for nobody or for one more subscriber`,
  rows: (level) => [
    perMessage,
    deliveryRow("one delivery, drop-oldest", { overflow: "drop-oldest" }),
    deliveryRow("one delivery, conflate", { overflow: "conflate" }),
    ...(level === "headline"
      ? []
      : [
          deliveryRow("one offer to a full queue, drop-oldest", { overflow: "drop-oldest", stuck: true }),
          deliveryRow("one offer to a full queue, conflate", { overflow: "conflate", stuck: true }),
        ]),
  ],
};

export const tables: readonly Table[] = [table];
