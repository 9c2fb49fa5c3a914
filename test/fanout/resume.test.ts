import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Start } from "../../src/protocol/index.ts";
import { handHub } from "../support/engine.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { ValveSink } from "../support/valve-sink.ts";

failOnLeaks();

function historyOf(messages: number) {
  const { hub, clock } = handHub({ epoch: "e1" });
  for (let count = 0; count < messages; count++) hub.publish("a", "");
  const resume = (start: Start) => {
    const sink = new ValveSink();
    const subscription = hub.attach({ patterns: ["a"], start }, sink);
    clock.turn();
    return { sink, subscription };
  };
  return { hub, clock, resume };
}

describe("a start at a position", () => {
  it("behind the newest message misses nothing", () => {
    const { hub, clock, resume } = historyOf(5);
    const { sink } = resume({ epoch: "e1", offset: 5 });
    hub.publish("a", "");
    clock.turn();
    assert.equal(String(sink), "started catching-up live 6");
  });

  it("further back is told that what lies between is gone, before the first message", () => {
    const { hub, clock, resume } = historyOf(5);
    for (const [offset, told] of [
      [4, "started catching-up gap(5..5×?:trimmed) live progress(5)"],
      [1, "started catching-up gap(2..5×?:trimmed) live progress(5)"],
      [0, "started catching-up gap(1..5×?:trimmed) live progress(5)"],
    ] as const) {
      const { sink, subscription } = resume({ epoch: "e1", offset });
      assert.equal(String(sink), told);
      const [started] = sink.frames;
      assert.deepEqual(started?.kind === "started" && started.position, { epoch: "e1", offset });
      assert.deepEqual(subscription.position, { epoch: "e1", offset: 5 });
      assert.equal(subscription.stats().matched, 0, "nobody can know how many of them matched");
    }
    const { sink } = resume({ epoch: "e1", offset: 3 });
    hub.publish("a", "");
    clock.turn();
    assert.equal(String(sink), "started catching-up gap(4..5×?:trimmed) live progress(5) 6");
  });

  it("before any message was published is the start", () => {
    const { hub, clock, resume } = historyOf(0);
    const { sink } = resume({ epoch: "e1", offset: 0 });
    hub.publish("a", "");
    clock.turn();
    assert.equal(String(sink), "started catching-up live 1");
  });

  it("of another history is refused with both epochs", () => {
    const { resume } = historyOf(5);
    for (const epoch of ["e2", "", "x".repeat(1_000)]) {
      assert.throws(() => resume({ epoch, offset: 1 }), { code: "EPOCH_MISMATCH", field: "position" });
    }
    assert.throws(() => resume({ epoch: "e2", offset: 1 }), { message: /epoch "e2", this history is "e1"/ });
  });

  it("that this history never handed out is refused", () => {
    const { resume, hub } = historyOf(5);
    for (const offset of [-1, 6, 1.5, Number.NaN, Infinity, 2 ** 53, "3", null, undefined]) {
      assert.throws(() => resume({ epoch: "e1", offset: offset as number }), {
        code: "POSITION_INVALID",
        field: "position",
        message: `expected an offset from 0 to 5, the newest of this history, got ${offset}`,
      });
    }
    assert.equal([...hub.subscriptions()].length, 0);
  });

  it("of a hub that retains nothing loses nothing that is published before the first flush", () => {
    const { hub, clock } = historyOf(5);
    for (const valve of ["open", "shut", "pulled"] as const) {
      const sink = new ValveSink({ valve });
      const at = hub.position.offset;
      const subscription = hub.attach({ patterns: ["a"], start: hub.position }, sink);
      assert.equal(subscription.state, "live", "there is nothing to read");
      hub.publish("a", "");
      clock.turn();
      sink.openValve();
      if (valve === "pulled") sink.pull();
      clock.settle();
      assert.deepEqual([sink.offsets, sink.gaps], [[at + 1], []]);
    }
  });

  it("live begins with the next message", () => {
    const { hub, clock, resume } = historyOf(5);
    const { sink } = resume("live");
    hub.publish("a", "");
    clock.turn();
    assert.equal(String(sink), "started 6");
  });

  it("taken from an end resumes without loss or repetition what the end had not confirmed", () => {
    const { hub, clock, resume } = historyOf(0);
    const { sink, subscription } = resume("live");
    for (let count = 0; count < 3; count++) hub.publish("a", "");
    clock.turn();
    sink.valve = "shut";
    hub.publish("a", "");
    clock.turn();
    hub.publish("a", "");
    subscription.end("stalled");
    clock.turn();
    assert.deepEqual(sink.ended?.position, { epoch: "e1", offset: 3 }, "4 is in flight and 5 waits");
    assert.equal(
      String(resume(sink.ended!.position).sink),
      "started catching-up gap(4..5×?:trimmed) live progress(5)",
    );
  });
});
