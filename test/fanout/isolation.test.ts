import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { OVERFLOW_POLICIES, type Start } from "../../src/protocol/index.ts";
import { handHub } from "../support/engine.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { runs } from "../support/property.ts";
import { type Valve, ValveSink } from "../support/valve-sink.ts";

failOnLeaks();

const topics = fc.constantFrom("a", "b", "c.d");
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ publish: topics, key: fc.constantFrom(undefined, "x", "y"), size: fc.nat(40) }),
  },
  { weight: 3, arbitrary: fc.constant("turn" as const) },
  { weight: 1, arbitrary: fc.constant("time" as const) },
);
const subscriber = fc.record({
  pattern: fc.constantFrom("a", "*", ">", "c.>"),
  overflow: fc.constantFrom(...OVERFLOW_POLICIES),
  start: fc.constantFrom<Start[]>("live", "oldest", "snapshot", { newest: 3 }, { epoch: "e", offset: 0 }),
  messages: fc.integer({ min: 1, max: 20 }),
});
const slow = fc.record({
  subscriber,
  valve: fc.constantFrom<Valve>("shut", "pulled"),
  goesAfter: fc.nat(30),
});

type Script = readonly (typeof step extends fc.Arbitrary<infer S> ? S : never)[];
type Subscriber = typeof subscriber extends fc.Arbitrary<infer S> ? S : never;
type Slow = typeof slow extends fc.Arbitrary<infer S> ? S : never;

/** What each healthy subscriber receives, and in which step of the script. */
function run(script: Script, healthy: readonly Subscriber[], others: readonly Slow[]): string[][] {
  // One flush has room for everybody: how turns are shared has a test of its own.
  const { hub, clock } = handHub({
    flush: { batches: 1_000, sliceMs: 1_000 },
    escalation: [{ when: { stalledForMs: 2_000 }, policy: "evict" }],
    newcomerGraceMs: 0,
    epoch: "e",
    topics: {
      a: { retention: { messages: 5 } },
      b: { retention: { latestPerKey: true, keys: 2 } },
      "c.>": { retention: {} },
    },
  });
  let now = 0;
  const received: string[][] = [];
  const attach = ({ pattern, overflow, start, messages }: Subscriber, sink: ValveSink) =>
    hub.attach({ patterns: [pattern], overflow, start, queue: { messages } }, sink);
  const stuck = others.map(({ subscriber, valve, goesAfter }) => {
    const sink = new ValveSink({ valve });
    attach(subscriber, sink);
    return { subscriber, sink, goesAfter };
  });
  for (const one of healthy) {
    const log: string[] = [];
    received.push(log);
    attach(
      one,
      new ValveSink({
        onWrite: (frames) => {
          for (const frame of frames) {
            const { subscriptionId: _, ...told } = { subscriptionId: "", ...frame };
            log.push(`${now}: ${JSON.stringify(told)}`);
          }
        },
        onEnd: ({ reason }) => log.push(`${now}: ${reason}`),
      }),
    );
  }
  for (const [index, action] of script.entries()) {
    now = index;
    for (const one of stuck) {
      if (one.goesAfter !== index) continue;
      one.sink.close();
      // Another comes in its place, and has everything to read.
      one.sink = new ValveSink({ valve: "pulled" });
      attach({ ...one.subscriber, start: { epoch: "e", offset: 0 } }, one.sink);
    }
    // One frame at a time, as a slow reader does.
    for (const { sink } of stuck) if (sink.pulled && index % 3 === 0) sink.pull();
    if (action === "turn") clock.turn();
    else if (action === "time") clock.advance(1_500);
    else
      hub.publish(action.publish, Buffer.alloc(action.size), {
        key: action.publish === "b" ? (action.key ?? "z") : action.key,
      });
  }
  clock.settle();
  return received;
}

describe("isolation", () => {
  it("healthy subscribers receive the same, in the same turns, with and without slow ones", () => {
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 10, maxLength: 60, size: "max" }),
        fc.array(subscriber, { minLength: 1, maxLength: 3 }),
        fc.array(slow, { minLength: 1, maxLength: 10, size: "max" }),
        (script, healthy, others) => {
          assert.deepEqual(run(script, healthy, others), run(script, healthy, []));
        },
      ),
      runs(300),
    );
  });

  it("a queue without a reachable bound loses nothing that a bounded one delivers", () => {
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 10, maxLength: 60, size: "max" }),
        subscriber,
        (script, bounded) => {
          const offsets = (logs: string[][]) =>
            new Set(
              [
                ...logs
                  .flat()
                  .join("\n")
                  .matchAll(/"kind":"message".*?"offset":(\d+)/g),
              ].map(([, at]) => Number(at)),
            );
          const unbounded = { ...bounded, overflow: "drop-newest" as const, messages: 10_000 };
          // What a log has forgotten does not come back: here everybody begins before there is any past.
          const everything = offsets(run(script, [unbounded], []));
          for (const offset of offsets(run(script, [bounded], []))) assert.ok(everything.has(offset));
          const published = script.filter((action) => typeof action === "object");
          const matching = published.filter(
            (action) =>
              bounded.pattern === ">" ||
              action.publish === bounded.pattern ||
              (bounded.pattern === "*" && !action.publish.includes(".")) ||
              (bounded.pattern === "c.>" && action.publish === "c.d"),
          );
          assert.equal(everything.size, matching.length);
        },
      ),
      runs(100),
    );
  });

  it("does not let the state of a sink decide how much work a publish is", () => {
    const { hub, clock } = handHub({ queue: { messages: 10 } });
    const sinks = [new ValveSink(), new ValveSink({ valve: "shut" }), new ValveSink({ valve: "pulled" })];
    for (const sink of sinks) hub.attach({ patterns: ["a"] }, sink);
    clock.settle();
    const before = sinks.map(({ batches }) => batches.length);
    for (let count = 0; count < 1_000; count++) hub.publish("a", "");
    assert.deepEqual(
      sinks.map(({ batches }) => batches.length),
      before,
      "no sink is touched inside publish",
    );
    clock.settle();
    for (const subscription of hub.subscriptions()) assert.ok(subscription.stats().queued <= 10);
  });
});
