import assert from "node:assert/strict";
import diagnostics from "node:diagnostics_channel";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Hub, SpillwayError } from "../../src/index.ts";
import type { Frame } from "../../src/protocol/index.ts";
import { assertBalanced, handHub } from "../support/engine.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { runs } from "../support/property.ts";
import { type Valve, ValveSink } from "../support/valve-sink.ts";

failOnLeaks();

/** What may happen to one subscription at any moment: a few of each race one another in every order. */
const happenings = [
  "publish",
  "overflow",
  "turn",
  "turn",
  "release",
  "cancel",
  "unsubscribe",
  "replace",
  "close hub",
  "time",
  "confirm twice",
] as const;

describe("an end that races other ends", () => {
  it("has exactly one outcome, whatever comes first", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.constantFrom(...happenings), { minLength: 4, maxLength: 16, size: "max" }),
        fc.constantFrom<Valve>("open", "shut", "prompt"),
        fc.constantFrom("evict" as const, "drop-oldest" as const, "conflate" as const),
        async (scheduler, racing, valve, overflow) => {
          const { hub, clock } = handHub({
            overflow,
            queue: { messages: 2 },
            escalation: [{ when: { stalledForMs: 100 }, policy: "evict" }],
            newcomerGraceMs: 0,
          });
          const outcomes: string[] = [];
          const told: string[] = [];
          const listener = (event: unknown) => {
            const { subscriptionId, reason } = event as { subscriptionId: string; reason: string };
            if (subscriptionId === subscription.id) told.push(reason);
          };
          const sink = new ValveSink({ valve });
          const onEnd = ({ reason }: { reason: string }) => void outcomes.push(reason);
          const subscription = hub.attach({ patterns: ["a"], onEnd }, sink);
          diagnostics.subscribe("spillway:subscription:ended", listener);
          let closed: Promise<void> | undefined;
          let firstEnd: string | undefined;
          const publish = () => {
            if (hub.closing) return;
            hub.publish("a", "x");
          };
          const act: Record<(typeof happenings)[number], () => void> = {
            publish,
            overflow: () => [1, 2, 3].forEach(publish),
            turn: () => clock.turn(),
            release: () => sink.release(),
            cancel: () => sink.close(),
            unsubscribe: () => subscription.end("unsubscribed"),
            replace: () => subscription.end("replaced"),
            "close hub": () => {
              closed = hub.close({ drainTimeoutMs: 1_000 });
            },
            time: () => clock.advance(3_000),
            "confirm twice": () => {
              sink.release();
              sink.confirmAgain();
            },
          };
          const afterEnd: number[] = [];
          const steps: Promise<void>[] = [];
          for (const happening of racing) {
            const turn = scheduler.schedule(Promise.resolve(), happening);
            const step = turn.then(() => {
              act[happening]();
              assertBalanced(subscription);
              if (subscription.state === "ended") {
                firstEnd ??= happening;
                afterEnd.push(subscription.stats().queued, subscription.stats().inFlight);
              }
            });
            steps.push(step);
          }
          await scheduler.waitAll();
          await Promise.all(steps);
          // Where none of them ended it, this does.
          subscription.end("completed");
          clock.settle();
          diagnostics.unsubscribe("spillway:subscription:ended", listener);
          assert.deepEqual(told, outcomes);
          assert.equal(outcomes.length, 1, `${firstEnd}: ${outcomes}`);
          assert.equal(sink.ended?.reason, outcomes[0]);
          assert.equal(sink.frames.at(-1)?.kind, "end");
          assert.ok(afterEnd.every((count) => count === 0));
          assertBalanced(subscription);
          clock.advance(1_000);
          await (closed ?? hub.close());
          assert.equal(clock.timers, 0);
        },
      ),
      runs(600),
    );
  });

  it("finishes every reader of a local subscription exactly once", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.constantFrom("read", "read", "publish", "abort", "return", "close", "close hub"), {
          minLength: 3,
          maxLength: 12,
          size: "max",
        }),
        async (scheduler, racing) => {
          const hub = new Hub({ overflow: "evict", queue: { messages: 2 } });
          const controller = new AbortController();
          const reason = new Error("aborted");
          const subscription = hub.subscribe("a", { signal: controller.signal });
          const frames = subscription[Symbol.asyncIterator]();
          const steps: Promise<unknown>[] = [];
          const reads: Promise<IteratorResult<Frame, undefined>>[] = [];
          const act: Record<string, () => unknown> = {
            read: () => reads.push(frames.next()),
            publish: () => (hub.closing ? undefined : hub.publish("a", "")),
            abort: () => controller.abort(reason),
            return: () => frames.return?.(),
            close: () => subscription.close(),
            "close hub": () => void hub.close({ drainTimeoutMs: 50 }),
          };
          for (const happening of racing) {
            steps.push(scheduler.schedule(Promise.resolve(), happening).then(act[happening]));
          }
          await scheduler.waitAll();
          await Promise.all(steps);
          subscription.close();
          const results = await Promise.allSettled(reads);
          await hub.close();
          const offsets: number[] = [];
          let over = false;
          for (const result of results) {
            const ended = result.status === "rejected" || result.value.done === true;
            assert.ok(ended || !over, "no frame after the end");
            over ||= ended;
            if (result.status === "rejected") {
              const { reason: error } = result;
              assert.ok(
                error === reason || (error instanceof SpillwayError && error.code === "ENDED"),
                String(error),
              );
            } else if (result.value.value?.kind === "message") {
              offsets.push(result.value.value.offset);
            }
          }
          assert.deepEqual(
            offsets,
            offsets.map((_, index) => index + 1),
            "a prefix, in order",
          );
          assertBalanced(subscription);
        },
      ),
      runs(300),
    );
  });
});
