import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { assertBalanced, handHub } from "../support/engine.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { ValveSink } from "../support/valve-sink.ts";

failOnLeaks();

describe("a sink that breaks its contract", () => {
  const broken = (throwsIn: "open" | "write" | "end") => {
    const sink = new ValveSink();
    const original = sink[throwsIn].bind(sink) as (...given: unknown[]) => unknown;
    let calls = 0;
    Object.defineProperty(sink, throwsIn, {
      value: (...given: unknown[]) => {
        original(...given);
        if (calls++ === 0) throw new Error(`broken in ${throwsIn}`);
      },
    });
    return sink;
  };

  for (const where of ["open", "write", "end"] as const) {
    it(`throws in ${where}: its subscription ends, the others notice nothing, and no exception escapes`, async () => {
      const { clock, hub, errors } = handHub();
      const [bad, good] = [broken(where), new ValveSink()];
      const subscription = hub.attach({ patterns: ["a"] }, bad);
      hub.attach({ patterns: ["a"] }, good);
      hub.publish("a", "x");
      clock.settle();
      if (where === "end") subscription.end("completed");
      clock.settle();
      assert.equal(subscription.state, "ended");
      assert.equal(bad.ended?.reason, where === "end" ? "completed" : "cancelled");
      assertBalanced(subscription);
      assert.equal(String(good), "started 1");
      assert.deepEqual(
        errors.map(({ hook, error }) => `${hook}: ${(error as Error).message}`),
        [`sink: broken in ${where}`],
        "an error of a transport is not swallowed in silence",
      );
      assert.equal(hub.stats().subscriptions.live, 1);
    });
  }

  it("reports the other side gone in every call: exactly one end", () => {
    for (const where of ["open", "write", "end"] as const) {
      const { clock, hub } = handHub();
      const sink = new ValveSink();
      const original = sink[where].bind(sink) as (...given: unknown[]) => unknown;
      Object.defineProperty(sink, where, {
        value: (...given: unknown[]) => {
          const outcome = original(...given);
          sink.close();
          sink.close();
          return outcome;
        },
      });
      let ends = 0;
      const subscription = hub.attach({ patterns: ["a"], onEnd: () => ends++ }, sink);
      hub.publish("a", "");
      clock.settle();
      if (where === "end") subscription.end("completed");
      clock.settle();
      assert.equal(ends, 1);
      assertBalanced(subscription);
    }
  });
});
