import assert from "node:assert/strict";
import diagnostics from "node:diagnostics_channel";
import { describe, it, type TestContext } from "node:test";
import fc from "fast-check";
import { Ladder, type SlowSignals } from "../../src/fanout/escalation.ts";
import { EvictionBrake } from "../../src/fanout/eviction-brake.ts";
import {
  Hub,
  type HubOptions,
  type OverflowPolicyName,
  PRESETS,
  type PresetName,
  type Rung,
} from "../../src/index.ts";
import { assertBalanced, handHub } from "../support/engine.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { runs } from "../support/property.ts";
import { ValveSink } from "../support/valve-sink.ts";

failOnLeaks();

const rung = (when: Rung["when"], policy: Rung["policy"]): Rung => ({ when, policy });
const calm: SlowSignals = {
  fullForMs: undefined,
  lagMs: undefined,
  lagMessages: 0,
  lagBytes: 0,
  stalledForMs: undefined,
};
const always = () => true;

describe("a ladder", () => {
  const rungs = [
    rung({ lagMs: 10 }, "conflate"),
    rung({ lagMs: 20, lagMessages: 5 }, "park"),
    rung({ lagMs: 30 }, "evict"),
  ];

  it("is climbed at once to the highest rung that holds", () => {
    const ladder = new Ladder(rungs, 100);
    assert.equal(ladder.judge(0, { ...calm, lagMs: 9 }, always), false);
    assert.equal(ladder.level, 0);
    assert.equal(ladder.judge(1, { ...calm, lagMs: 25, lagMessages: 5 }, always), true);
    assert.deepEqual([ladder.level, ladder.rung?.policy], [2, "park"]);
  });

  it("has a rung hold only when all its conditions do", () => {
    const ladder = new Ladder(rungs, 100);
    ladder.judge(0, { ...calm, lagMs: 25, lagMessages: 4 }, always);
    assert.equal(ladder.level, 1);
  });

  it("is left one rung at a time, each after the recovery time in a row", () => {
    const ladder = new Ladder(rungs, 100);
    ladder.judge(0, { ...calm, lagMs: 25, lagMessages: 5 }, always);
    const levels: number[] = [];
    for (let now = 10; now <= 250; now += 10) {
      ladder.judge(now, calm, always);
      levels.push(ladder.level);
    }
    assert.deepEqual(levels, [...Array(10).fill(2), ...Array(10).fill(1), ...Array(5).fill(0)]);
  });

  it("counts the recovery anew when the reason comes back in between", () => {
    const ladder = new Ladder(rungs, 100);
    const slow = { ...calm, lagMs: 15 };
    ladder.judge(0, slow, always);
    ladder.judge(10, calm, always);
    ladder.judge(90, slow, always);
    ladder.judge(100, calm, always);
    assert.equal(ladder.judge(199, calm, always), false);
    assert.equal(ladder.judge(200, calm, always), true);
  });

  it("holds at the strictest rung below one that evicts, while nobody may be evicted", () => {
    const ladder = new Ladder(rungs, 100);
    let asked = 0;
    const never = () => {
      asked++;
      return false;
    };
    ladder.judge(0, { ...calm, lagMs: 50, lagMessages: 9 }, never);
    assert.deepEqual([ladder.level, asked], [2, 1]);
    ladder.judge(1, { ...calm, lagMs: 15 }, never);
    assert.equal(asked, 1, "nobody asks for leave that needs none");
    ladder.judge(2, { ...calm, lagMs: 50 }, always);
    assert.equal(ladder.level, 3);
  });

  it("asks for leave to evict once, however many of the rungs that hold evict", () => {
    for (const answer of [true, false]) {
      const ladder = new Ladder(
        [...rungs, rung({ stalledForMs: 5 }, "evict"), rung({ lagMs: 40 }, "evict")],
        100,
      );
      let asked = 0;
      ladder.judge(0, { ...calm, lagMs: 50, lagMessages: 9, stalledForMs: 5 }, () => {
        asked++;
        return answer;
      });
      assert.deepEqual([ladder.level, asked], [answer ? 5 : 2, 1]);
    }
  });

  it("never skips a rung on the way down, nor waits on the way up", () => {
    const signals = fc.record({
      lagMs: fc.nat(40),
      lagMessages: fc.nat(8),
      passMs: fc.integer({ min: 1, max: 60 }),
    });
    fc.assert(
      fc.property(fc.array(signals, { maxLength: 80 }), (rounds) => {
        const ladder = new Ladder(rungs, 100);
        let [now, calmSince] = [0, 0];
        for (const { passMs, ...given } of rounds) {
          now += passMs;
          const highest =
            given.lagMs >= 30
              ? 3
              : given.lagMs >= 20 && given.lagMessages >= 5
                ? 2
                : given.lagMs >= 10
                  ? 1
                  : 0;
          const before = ladder.level;
          if (highest >= before) calmSince = Infinity;
          else calmSince = Math.min(calmSince, now);
          ladder.judge(now, { ...calm, ...given }, always);
          if (highest >= before) assert.equal(ladder.level, highest);
          else if (now - calmSince >= 100) {
            assert.equal(ladder.level, before - 1);
            calmSince = now;
          } else assert.equal(ladder.level, before);
        }
      }),
      runs(200),
    );
  });
});

describe("the brake on evictions", () => {
  const evicted = (brake: EvictionBrake, wanted = 1_000) => {
    let count = 0;
    while (count < wanted && brake.mayEvict()) count++;
    return count;
  };

  it("is off while few are slow, and with fewer than ten whatever their share", () => {
    const brake = new EvictionBrake(0.5, "epoch");
    brake.beginRound(0, 100, 49);
    assert.deepEqual([brake.state, evicted(brake)], ["off", 1_000]);
    brake.beginRound(1, 9, 9);
    assert.deepEqual([brake.state, evicted(brake)], ["off", 1_000]);
  });

  it("pauses when many are slow at once, at most a minute, then lets a few go per round", () => {
    const brake = new EvictionBrake(0.5, "epoch");
    brake.beginRound(0, 1_000, 500);
    assert.deepEqual([brake.state, evicted(brake)], ["paused", 0]);
    brake.beginRound(59_999, 1_000, 900);
    assert.deepEqual([brake.state, evicted(brake)], ["paused", 0]);
    for (const now of [60_000, 60_250, 200_000]) {
      brake.beginRound(now, 1_000, 900);
      assert.deepEqual([brake.state, evicted(brake)], ["paced", 10]);
    }
    brake.beginRound(200_250, 20, 12);
    assert.equal(evicted(brake), 1, "at least one");
  });

  it("is paced for a minute after the mass has recovered, and then off", () => {
    const brake = new EvictionBrake(0.5, "epoch");
    brake.beginRound(0, 100, 60);
    brake.beginRound(1_000, 100, 3);
    assert.deepEqual([brake.state, evicted(brake)], ["paced", 1]);
    brake.beginRound(60_999, 100, 3);
    assert.equal(brake.state, "paced");
    brake.beginRound(61_000, 100, 3);
    assert.deepEqual([brake.state, evicted(brake)], ["off", 1_000]);
  });
});

const quick: HubOptions = { recoveryMs: 1_000, newcomerGraceMs: 0, stallTimeoutMs: 1_000 };

function slowHub(options: HubOptions, wish: { overflow?: OverflowPolicyName; queue?: number } = {}) {
  const { hub, clock, errors } = handHub({ ...quick, ...options });
  const sink = new ValveSink();
  const subscription = hub.attach(
    { patterns: ["a"], overflow: wish.overflow, queue: { messages: wish.queue ?? 8 } },
    sink,
  );
  clock.turn();
  sink.valve = "shut";
  const publish = (count: number) => {
    for (let each = 0; each < count; each++) hub.publish("a", "x", { key: `${each % 2}` });
  };
  const states = () =>
    sink.frames.flatMap((frame) =>
      frame.kind === "state" ? [`${frame.state}:${frame.overflow}:${frame.rung}`] : [],
    );
  return { hub, clock, errors, sink, subscription, publish, states };
}

describe("an escalation", () => {
  it("changes the policy while its reason holds, tells both changes in line, and keeps the books", () => {
    const { clock, sink, subscription, publish, states } = slowHub({
      escalation: [rung({ lagMessages: 4 }, "conflate")],
    });
    publish(6);
    clock.advance(250);
    assert.deepEqual([subscription.stats().overflow, subscription.stats().rung], ["conflate", 1]);
    assertBalanced(subscription);
    sink.openValve();
    clock.settle();
    clock.advance(2_000);
    assert.deepEqual([subscription.stats().overflow, subscription.stats().rung], ["drop-oldest", 0]);
    assert.deepEqual(states(), ["live:conflate:1", "live:drop-oldest:0"]);
    assert.deepEqual(sink.gaps, [], "to conflate is no loss");
    publish(1);
    clock.settle();
    assert.equal(sink.offsets.at(-1), 7);
    assertBalanced(subscription);
  });

  it("to park empties the queue and reads on from the log, without loss", () => {
    const { clock, sink, subscription, publish, states } = slowHub({
      topics: { a: { retention: {} } },
      escalation: [rung({ lagMessages: 3 }, "park")],
    });
    publish(4);
    clock.advance(250);
    assert.equal(subscription.state, "parked");
    publish(50);
    assert.ok(subscription.stats().queued <= 4);
    sink.openValve();
    clock.settle();
    assert.deepEqual(
      sink.offsets,
      Array.from({ length: 54 }, (_, index) => index + 1),
    );
    assert.deepEqual(states(), ["live:park:1", "parked:park:1", "live:park:1"]);
    clock.advance(2_000);
    assert.deepEqual(states().at(-1), "live:drop-oldest:0");
  });

  it("evicts with the reason that fits the rung", () => {
    for (const [when, reason] of [
      [{ lagMs: 500 }, "slow"],
      [{ stalledForMs: 500 }, "stalled"],
      [{ stalledForMs: 0, lagMessages: 1 }, "stalled"],
    ] as const) {
      const { clock, sink, publish } = slowHub({ escalation: [rung(when, "evict")] });
      publish(1);
      clock.turn();
      publish(1);
      clock.advance(3_000);
      assert.equal(sink.ended?.reason, reason);
      assert.ok(sink.ended.retryAfterMs !== undefined);
    }
  });

  it("does not judge a newcomer before its grace is over", () => {
    const { clock, subscription, publish } = slowHub({
      newcomerGraceMs: 3_000,
      escalation: [rung({ lagMessages: 1 }, "drop-newest")],
    });
    publish(5);
    clock.advance(3_000);
    assert.equal(subscription.stats().rung, 0);
    clock.advance(500);
    assert.equal(subscription.stats().rung, 1);
  });

  it("does not hold it against a subscriber that what it read from the past is old", () => {
    const { hub, clock } = handHub({
      ...quick,
      topics: { a: { retention: {} } },
      escalation: [rung({ lagMs: 1_000 }, "evict")],
    });
    const keepsWatchAwake = new ValveSink();
    hub.attach({ patterns: ["b"] }, keepsWatchAwake);
    for (let count = 0; count < 3; count++) hub.publish("a", "");
    clock.advance(60_000);
    const sink = new ValveSink({ valve: "shut", batch: { frames: 3, bytes: 1_000 } });
    const subscription = hub.attach({ patterns: ["a"], start: "oldest" }, sink);
    clock.settle();
    assert.equal(subscription.state, "live");
    clock.advance(750);
    assert.equal(subscription.state, "live", "it has been live for less than a second");
    sink.openValve();
    clock.settle();
    clock.advance(5_000);
    assert.deepEqual([subscription.state, sink.offsets], ["live", [1, 2, 3]]);
    hub.publish("a", "");
    sink.valve = "shut";
    hub.publish("a", "");
    clock.settle();
    hub.publish("a", "");
    clock.advance(1_500);
    assert.equal(sink.ended?.reason, "slow", "but what is published now is");
  });

  it("of one who reads the past listens to a stalled write alone", () => {
    const { hub, clock } = handHub({
      ...quick,
      topics: { a: { retention: {} } },
      escalation: [
        rung({ lagMessages: 1 }, "drop-newest"),
        rung({ lagBytes: 1 }, "drop-newest"),
        rung({ lagMs: 1 }, "drop-newest"),
        rung({ fullForMs: 0 }, "drop-newest"),
        rung({ stalledForMs: 1_000 }, "evict"),
      ],
    });
    for (let count = 0; count < 20; count++) hub.publish("a", "x");
    const sink = new ValveSink({ valve: "shut" });
    const subscription = hub.attach({ patterns: ["a"], start: "oldest", queue: { messages: 4 } }, sink);
    clock.advance(1_500);
    assert.deepEqual([subscription.state, subscription.stats().rung], ["catching-up", 0]);
    clock.advance(1_500);
    assert.equal(sink.ended?.reason, "stalled");
  });

  it("takes a blocking subscriber's hold off its publishers while it stands on a rung", async () => {
    const { hub, clock, sink, subscription, publish } = slowHub(
      { escalation: [rung({ lagMessages: 5 }, "conflate")], blockTimeoutMs: 5_000 },
      { overflow: "block" },
    );
    publish(7);
    const writable = hub.writable("a");
    clock.advance(250);
    assert.equal(subscription.stats().overflow, "conflate");
    await writable;
    assert.equal(hub.publish("a", "", { key: "0" }).writable, true);
    clock.advance(6_000);
    assert.equal(subscription.state, "live", "nor is it ended for holding them up");
    sink.openValve();
    clock.settle();
    clock.advance(2_000);
    assert.equal(subscription.stats().overflow, "block");
  });

  it("pauses evictions when everybody is slow at once, and paces them afterwards", () => {
    const { hub, clock } = handHub({ ...quick, escalation: [rung({ stalledForMs: 1_000 }, "evict")] });
    const sinks = Array.from({ length: 200 }, () => new ValveSink({ valve: "shut" }));
    for (const sink of sinks) hub.attach({ patterns: ["a"] }, sink);
    clock.advance(60_000);
    assert.equal(sinks.filter(({ ended }) => ended !== undefined).length, 0, "it is us, or the network");
    clock.advance(2_000);
    const gone = sinks.filter(({ ended }) => ended !== undefined).length;
    assert.ok(gone >= 2 && gone <= 20, `${gone} within two seconds`);
    clock.advance(60_000);
    assert.equal([...hub.subscriptions()].length, 0);
  });

  it("counts no lag, no fullness and no stall while the event loop is blocked", () => {
    const { clock, sink, subscription, publish } = slowHub({
      stallTimeoutMs: 5_000,
      escalation: [rung({ lagMs: 2_000 }, "conflate"), rung({ fullForMs: 2_000 }, "drop-newest")],
    });
    publish(8);
    clock.advance(500);
    for (let pause = 0; pause < 4; pause++) clock.block(10_000);
    assert.deepEqual([subscription.stats().rung, subscription.stats().stalls], [0, 0]);
    sink.openValve();
    clock.settle();
    assert.equal(subscription.stats().delivery, "idle");
  });
});

describe("what the diagnostics channels tell of a slow subscriber", () => {
  const listen = (test: TestContext, id: string) => {
    const heard: string[] = [];
    for (const name of ["started", "slow", "recovered", "stalled", "unstalled", "escalated", "ended"]) {
      const listener = (event: unknown) => {
        const { subscriptionId, rung } = event as { subscriptionId: string; rung?: number };
        if (subscriptionId === id) heard.push(name === "escalated" ? `${name} ${rung}` : name);
      };
      diagnostics.subscribe(`spillway:subscription:${name}`, listener);
      test.after(() => diagnostics.unsubscribe(`spillway:subscription:${name}`, listener));
    }
    return heard;
  };

  it("is one slow and one recovered per episode, in turns", (test) => {
    const { clock, sink, subscription, publish } = slowHub({ escalation: [] });
    const heard = listen(test, subscription.id);
    for (let episode = 0; episode < 3; episode++) {
      sink.valve = "shut";
      publish(6);
      clock.settle();
      publish(7);
      clock.advance(500);
      publish(7);
      clock.advance(250);
      sink.openValve();
      clock.settle();
      // The watch tells, never publish or flush.
      clock.advance(250);
    }
    assert.deepEqual(heard, ["slow", "recovered", "slow", "recovered", "slow", "recovered"]);
  });

  it("is nothing for a burst that no watch ever saw", (test) => {
    const { clock, sink, subscription, publish } = slowHub({ escalation: [] });
    const heard = listen(test, subscription.id);
    publish(8);
    sink.openValve();
    clock.settle();
    assert.deepEqual(heard, []);
  });

  it("alternates and names each rung once, whatever the subscriber does", (test) => {
    const { clock, sink, subscription, publish } = slowHub({
      escalation: [rung({ lagMessages: 2 }, "drop-newest"), rung({ stalledForMs: 500 }, "conflate")],
    });
    const heard = listen(test, subscription.id);
    for (const [action, ms] of [
      [8, 250],
      [3, 3_000],
      ["open", 400],
      ["shut", 1_200],
      [8, 2_500],
      ["open", 5_000],
    ] as const) {
      if (action === "open") sink.openValve();
      else if (action === "shut") sink.valve = "shut";
      else publish(action);
      clock.advance(ms);
    }
    const last = new Map<string, string>();
    for (const name of heard) {
      const pair = name.includes("stalled") ? "stall" : name.startsWith("escalated") ? "rung" : "slow";
      assert.notEqual(last.get(pair), name, heard.join(", "));
      last.set(pair, name);
    }
    assert.deepEqual([...last.values()].sort(), ["escalated 0", "recovered", "unstalled"]);
  });
});

describe("the presets", () => {
  for (const [name, preset] of Object.entries(PRESETS)) {
    it(`${name} are options that a hub takes as they are, and with something changed`, async () => {
      const clock = new ManualClock();
      await new Hub({ ...preset, clock }).close();
      const hub = new Hub({ preset: name as PresetName, clock, queue: { messages: 5 } });
      const subscription = hub.attach({ patterns: ["a"] }, new ValveSink());
      assert.equal(subscription.stats().overflow, preset.overflow);
      assert.equal(subscription.stats().capacity.messages, 5);
      subscription.end("completed");
      clock.settle();
      await hub.close();
    });
  }

  it("audit-log loses nothing that it retains, however slow the reader", () => {
    const { hub, clock } = handHub({ preset: "audit-log", queue: { messages: 16 } });
    const sink = new ValveSink();
    const subscription = hub.attach({ patterns: ["orders.>"] }, sink);
    clock.turn();
    sink.valve = "shut";
    for (let count = 0; count < 2_000; count++) hub.publish(`orders.${count % 7}`, "x");
    clock.advance(120_000);
    assert.equal(subscription.state, "parked");
    sink.openValve();
    clock.settle();
    assert.deepEqual(
      sink.offsets,
      Array.from({ length: 2_000 }, (_, index) => index + 1),
    );
    assert.deepEqual([sink.gaps, subscription.state], [[], "live"]);
  });

  it("live-state keeps the newest value of every key and tells no loss", () => {
    const { hub, clock } = handHub({ preset: "live-state" });
    const sink = new ValveSink();
    hub.attach({ patterns: ["prices.*"] }, sink);
    clock.turn();
    sink.valve = "shut";
    for (let count = 0; count < 1_000; count++) hub.publish("prices.x", `${count}`, { key: `${count % 3}` });
    sink.openValve();
    clock.settle();
    assert.deepEqual([sink.offsets.toSorted((a, b) => a - b), sink.gaps], [[998, 999, 1_000], []]);
  });

  it("telemetry conflates one that is two seconds behind, and disconnects one that stopped reading", () => {
    const { hub, clock } = handHub({ preset: "telemetry" });
    const sink = new ValveSink({ valve: "shut" });
    const subscription = hub.attach({ patterns: ["cpu"] }, sink);
    clock.advance(4_000);
    for (let count = 0; count < 100; count++) hub.publish("cpu", "x", { key: `${count % 4}` });
    clock.advance(2_500);
    assert.deepEqual([subscription.stats().overflow, subscription.stats().queued], ["conflate", 4]);
    clock.advance(20_000);
    assert.equal(sink.ended?.reason, "stalled");
  });
});
