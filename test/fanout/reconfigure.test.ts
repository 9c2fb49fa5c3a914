import assert from "node:assert/strict";
import diagnostics from "node:diagnostics_channel";
import { describe, it } from "node:test";
import type { HubConfig, HubOptions, SubscribeRequest } from "../../src/index.ts";
import { assertBalanced, handHub } from "../support/engine.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { ValveSink } from "../support/valve-sink.ts";

failOnLeaks();

/** A subscriber whose first batch is under way and stays so, and with offsets 2 to `waiting + 1` waiting behind it. */
function stuck(options: HubOptions, waiting: number, request: Partial<SubscribeRequest> = {}) {
  const { hub, clock } = handHub(options);
  const sink = new ValveSink();
  const subscription = hub.attach({ patterns: ["a"], ...request }, sink, {});
  clock.turn();
  sink.valve = "shut";
  const publish = (count: number, key?: string) => {
    for (let index = 0; index < count; index++) hub.publish("a", "x", { key });
  };
  publish(1);
  clock.turn();
  publish(waiting);
  const goOn = () => {
    sink.openValve();
    clock.settle();
    assertBalanced(subscription);
    return String(sink);
  };
  return { hub, clock, sink, subscription, publish, goOn };
}

describe("hub.reconfigure", () => {
  it("lets a larger bound in at once, and loses nothing of what waits", () => {
    const { hub, publish, goOn, subscription } = stuck({ queue: { messages: 3 } }, 3);
    hub.reconfigure({ queue: { messages: 5 } });
    assert.equal(subscription.stats().capacity.messages, 5);
    publish(2);
    assert.equal(goOn(), "started 1 2 3 4 5 6");
  });

  it("with a smaller bound applies the policy at once, and tells the loss before what follows it", () => {
    const { hub, goOn, subscription } = stuck({ queue: { messages: 5 } }, 5);
    hub.reconfigure({ queue: { messages: 2 } });
    assert.deepEqual([subscription.stats().queued, subscription.stats().dropped.overflow], [2, 3]);
    assert.equal(goOn(), "started 1 gap(2..4×3) 5 6");
  });

  it("decides by the new policy what gives way to the new bound", () => {
    const { hub, goOn, publish } = stuck({ queue: { messages: 5 } }, 5);
    hub.reconfigure({ queue: { messages: 2 }, overflow: "drop-newest" });
    publish(1);
    assert.equal(goOn(), "started 1 live 2 3 gap(4..7×4) progress(7)");
  });

  it("drops nothing under park, and goes on from the log", () => {
    const { hub, goOn, publish, subscription } = stuck({ overflow: "park", retention: {} }, 5);
    hub.reconfigure({ overflow: "park", retention: {}, queue: { messages: 2 } });
    assert.equal(subscription.stats().queued, 5, "it stands above its bound until it was read");
    publish(3);
    assert.equal(subscription.state, "parked");
    assert.equal(goOn(), "started 1 2 3 4 5 6 parked 7 8 9 live");
  });

  it("evicts under evict with the next message that finds no room, not for the change itself", () => {
    const { hub, clock, sink, publish, subscription } = stuck({ overflow: "evict" }, 5);
    hub.reconfigure({ overflow: "evict", queue: { messages: 2 } });
    clock.settle();
    assert.equal(subscription.state, "live");
    publish(1);
    clock.settle();
    assert.equal(sink.ended?.reason, "overflow");
    assertBalanced(subscription);
  });

  it("conflates at once what waits, when that is the policy now", () => {
    const { hub, goOn, publish } = stuck({ queue: { messages: 9 } }, 0);
    publish(4, "k");
    hub.reconfigure({ preset: "live-state" });
    assert.equal(goOn(), "started 1 live 5");
  });

  it("is all or nothing: what is refused has changed nothing", () => {
    const { hub, subscription, goOn } = stuck({ queue: { messages: 5 } }, 5);
    const before = JSON.stringify([subscription.stats(), subscription.grant]);
    const refused: readonly (readonly [config: object, error: RegExp])[] = [
      [{ queue: { messages: 2 }, watermarks: { high: 0.1 } }, /low watermark/],
      [{ queue: { messages: 2 }, maxTopics: 1 }, /maxTopics/],
      [{ queue: { messages: 2 }, overflow: "park" }, /nothing is retained/],
      [{ queue: { messages: 2 }, overlow: "evict" }, /unknown Hub option "overlow"/],
      [{ queue: { messages: 2 }, epoch: "e" }, /epoch is fixed when a hub is made/],
      [{ queue: { messages: 2 }, authorize: () => ({}) }, /authorize is fixed when a hub is made/],
      [{ queue: { messages: Number.NaN } }, /queue.messages must be a whole number/],
    ];
    for (const [config, error] of refused) {
      assert.throws(() => hub.reconfigure(config as HubConfig), { message: error });
      assert.equal(JSON.stringify([subscription.stats(), subscription.grant]), before);
    }
    assert.equal(goOn(), "started 1 2 3 4 5 6");
  });

  it("takes what is left out as its default again", () => {
    const { hub } = handHub({ overflow: "evict", queue: { messages: 5 } });
    hub.reconfigure({});
    const { overflow, capacity } = hub.attach({ patterns: ["a"] }, new ValveSink()).stats();
    assert.deepEqual([overflow, capacity.messages], ["drop-oldest", 1_024]);
  });

  it("keeps what a subscriber asked for as far as it is granted, and else gives it what it gets unasked", () => {
    const { hub } = handHub({ allowedOverflow: ["block", "evict"] });
    const ask = (request: Partial<SubscribeRequest>, access = {}) =>
      hub.attach({ patterns: ["a"], ...request }, new ValveSink(), access);
    const asking = ask({ overflow: "block", queue: { messages: 100 } });
    const granted = ask({ overflow: "block" }, { overflow: ["block"] });
    const local = hub.attach({ patterns: ["a"], overflow: "block" }, new ValveSink());
    hub.reconfigure({ overflow: "conflate", maxQueue: { messages: 50 } });
    assert.deepEqual([asking.stats().overflow, asking.stats().capacity.messages], ["conflate", 50]);
    assert.equal(granted.stats().overflow, "block", "granted by authorize");
    assert.equal(local.stats().overflow, "block", "code of this process");
    hub.reconfigure({ allowedOverflow: ["block"] });
    assert.deepEqual([asking.stats().overflow, asking.stats().capacity.messages], ["block", 100]);
  });

  it("tells a policy that took another's place where it takes effect", () => {
    const { hub, goOn, sink } = stuck({}, 2);
    hub.reconfigure({ overflow: "conflate" });
    hub.reconfigure({ overflow: "drop-newest" });
    goOn();
    const told = sink.frames.flatMap((frame) => (frame.kind === "state" ? [frame.overflow] : []));
    assert.deepEqual(told, ["conflate", "drop-newest"]);
  });

  it("moves subscribers from class to class", () => {
    const { hub } = handHub({ classes: { one: { match: { clientName: "x*" }, queue: { messages: 1 } } } });
    const subscription = hub.attach({ patterns: ["a"], clientName: "x1" }, new ValveSink(), {});
    assert.deepEqual([subscription.stats().class, subscription.stats().capacity.messages], ["one", 1]);
    hub.reconfigure({ classes: { two: { match: { clientName: "*1" }, queue: { messages: 2 } } } });
    assert.deepEqual([subscription.stats().class, subscription.stats().capacity.messages], ["two", 2]);
  });

  it("judges slowness by the new watermarks at once: a blocking subscriber presses, or lets go", () => {
    const { hub, subscription } = stuck({ overflow: "block", queue: { messages: 10 } }, 5);
    assert.deepEqual([subscription.isSlow, hub.publish("a", "x").writable], [false, true]);
    hub.reconfigure({ overflow: "block", queue: { messages: 7 } });
    assert.deepEqual([subscription.isSlow, hub.publish("a", "x").writable], [true, false]);
    hub.reconfigure({ overflow: "block", queue: { messages: 100 } });
    assert.deepEqual([subscription.isSlow, hub.publish("a", "x").writable], [false, true]);
  });

  it("keeps a subscriber on its rung when the rungs are the same, and else judges it at once", () => {
    const rungs = [{ when: { lagMessages: 3 }, policy: "conflate" }] as const;
    const { hub, clock, subscription } = stuck({ escalation: rungs, newcomerGraceMs: 0 }, 5);
    clock.advance(1_000);
    assert.deepEqual([subscription.stats().rung, subscription.stats().overflow], [1, "conflate"]);
    hub.reconfigure({ escalation: rungs, newcomerGraceMs: 0, recoveryMs: 9 });
    assert.deepEqual([subscription.stats().rung, subscription.stats().overflow], [1, "conflate"]);
    hub.reconfigure({
      escalation: [{ when: { lagMessages: 4 }, policy: "drop-newest" }],
      newcomerGraceMs: 0,
    });
    assert.deepEqual([subscription.stats().rung, subscription.stats().overflow], [1, "drop-newest"]);
  });

  it("keeps a subscriber alive that its rung has kept alive, when another rung is added", () => {
    const rung = { when: { lagMessages: 3 }, policy: "drop-oldest" } as const;
    const options = { overflow: "evict", queue: { messages: 4 }, newcomerGraceMs: 0 } as const;
    const { hub, clock, subscription, publish } = stuck({ ...options, escalation: [rung] }, 4);
    clock.advance(1_000);
    for (const escalation of [
      [rung, { when: { stalledForMs: 60_000 }, policy: "evict" }],
      [{ when: { lagMessages: 2 }, policy: "drop-newest" }],
    ] as const) {
      hub.reconfigure({ ...options, escalation });
      publish(2);
      assert.deepEqual([subscription.state, subscription.stats().rung], ["live", 1]);
    }
    assert.equal(subscription.stats().overflow, "drop-newest", "judged at once");
    hub.reconfigure({ ...options, escalation: [{ when: { lagMessages: 1 }, policy: "evict" }] });
    assert.equal(subscription.state, "live", "it ends nobody itself");
  });

  it("takes nothing of what is changed in the object that it was given, now or later", () => {
    const config = {
      queue: { messages: 10 },
      retention: { messages: 5 },
      topics: { a: { queue: { bytes: 9 } } },
    };
    const { hub, clock } = handHub(config);
    config.queue.messages = -5;
    config.retention.messages = 1e9;
    config.topics.a.queue.bytes = -9;
    const capacities = () =>
      ["a", "b"].map((name) => hub.attach({ patterns: [name] }, new ValveSink()).stats().capacity);
    assert.deepEqual(capacities(), [
      { messages: 10, bytes: 9 },
      { messages: 10, bytes: 1_048_576 },
    ]);
    assert.throws(() => hub.reconfigure(config), /topics.a.queue.bytes|queue.messages/);
    assert.equal(capacities()[0]?.messages, 10);
    for (let count = 0; count < 9; count++) hub.publish("c", "x");
    clock.settle();
    assert.equal(hub.stats().retained.messages, 5);
  });

  it("takes undefined for what is not said, also inside of what is said", () => {
    const nothing = { messages: undefined, bytes: undefined };
    const { hub } = handHub({
      retention: nothing,
      queue: nothing,
      watermarks: undefined,
    } as unknown as HubOptions);
    for (let count = 0; count < 2_000; count++) hub.publish("a", "x");
    assert.equal(hub.stats().retained.messages, 1_024);
    assert.equal(hub.attach({ patterns: ["a"] }, new ValveSink()).stats().capacity.messages, 1_024);
  });

  it("called again by who is told of it, leaves everybody with the last word", () => {
    const options = { newcomerGraceMs: 0 };
    const rungs = (lagMessages: number) => ({
      ...options,
      escalation: [{ when: { lagMessages }, policy: "conflate" } as const],
    });
    const { hub, clock, subscription } = stuck(rungs(3), 5);
    const others = [1, 2].map(() => hub.attach({ patterns: ["b"] }, new ValveSink()));
    clock.advance(1_000);
    assert.equal(subscription.stats().rung, 1);
    const again = () => hub.reconfigure({ ...options, queue: { messages: 50 }, escalation: [] });
    diagnostics.subscribe("spillway:subscription:escalated", again);
    try {
      hub.reconfigure({ ...rungs(1_000), queue: { messages: 200 } });
    } finally {
      diagnostics.unsubscribe("spillway:subscription:escalated", again);
    }
    const all = [subscription, ...others].map((each) => each.stats().capacity.messages);
    assert.deepEqual(all, [50, 50, 50]);
    assert.deepEqual([subscription.stats().rung, subscription.stats().overflow], [0, "drop-oldest"]);
  });

  it("called by who is told of a rung, has that rung forgotten", () => {
    for (const policy of ["conflate", "evict"] as const) {
      const escalation = [{ when: { lagMessages: 3 }, policy }];
      const { hub, clock, subscription } = stuck({ escalation, newcomerGraceMs: 0 }, 5);
      const again = () => hub.reconfigure({ escalation: [] });
      diagnostics.subscribe("spillway:subscription:escalated", again);
      try {
        clock.advance(1_000);
      } finally {
        diagnostics.unsubscribe("spillway:subscription:escalated", again);
      }
      const { state, rung, overflow } = subscription.stats();
      assert.deepEqual([state, rung, overflow], ["live", 0, "drop-oldest"], policy);
    }
  });

  it("takes from a subscriber only the rungs that cannot be any more, and leaves it the policy it was granted", () => {
    const { hub } = handHub({ retention: {} });
    const park = { when: { lagMs: 1 }, policy: "park" } as const;
    const drop = { when: { lagMs: 2 }, policy: "drop-newest" } as const;
    const access = { overflow: ["evict"], escalation: [park, drop] } as const;
    const subscription = hub.attach({ patterns: ["a"] }, new ValveSink(), access);
    hub.reconfigure({});
    assert.deepEqual([subscription.grant.overflow, subscription.grant.escalation], ["evict", [drop]]);
  });

  it("judges stalls and age by what it says now", () => {
    const { hub, clock, subscription, goOn } = stuck({}, 2);
    clock.advance(1_000);
    assert.equal(subscription.stats().delivery, "writing");
    hub.reconfigure({ stallTimeoutMs: 500, minBytesPerSecond: 1_000_000, maxAgeMs: 900 });
    clock.advance(500);
    assert.equal(subscription.stats().delivery, "stalled");
    assert.equal(goOn(), "started 1 gap(2..3×2:expired) progress(3)");
  });

  it("gives new limits to batches, to the flush, and to what lingers", () => {
    const { hub, clock } = handHub();
    const sink = new ValveSink();
    hub.attach({ patterns: ["a"] }, sink);
    clock.turn();
    hub.publish("a", "x");
    hub.reconfigure({ batch: { frames: 2 }, lingerMs: 100 });
    for (let count = 0; count < 4; count++) hub.publish("a", "x");
    clock.turn();
    assert.deepEqual(sink.batches, [1, 2, 2, 1], "started, then five in pairs");
    hub.publish("a", "x");
    clock.turn();
    assert.equal(sink.batches.length, 4, "it lingers");
    clock.advance(100);
    assert.equal(sink.batches.length, 5);
  });

  it("refuses newcomers beyond a smaller limit, and ends nobody", () => {
    const { hub } = handHub();
    const kept = [1, 2, 3].map(() => hub.attach({ patterns: ["a"] }, new ValveSink()));
    hub.reconfigure({ maxSubscriptions: 2, maxMessageBytes: 2 });
    assert.deepEqual(
      kept.map(({ state }) => state),
      ["live", "live", "live"],
    );
    assert.throws(() => hub.attach({ patterns: ["a"] }, new ValveSink()), { code: "LIMIT_REACHED" });
    assert.throws(() => hub.publish("a", "xxx"), { code: "MESSAGE_TOO_LARGE" });
  });

  it("is refused once the hub is closed", async () => {
    const { hub } = handHub();
    await hub.close();
    assert.throws(() => hub.reconfigure({}), { code: "CLOSED" });
  });
});

describe("what is retained, after a change", () => {
  const start = (offset: number) => ({ epoch: "e", offset });
  /** What a subscriber is sent that comes back behind an offset. */
  function readBehind({ hub, clock }: ReturnType<typeof handHub>, offset: number, patterns = ["a"]): string {
    const sink = new ValveSink();
    hub.attach({ patterns, start: start(offset) }, sink);
    clock.settle();
    return String(sink);
  }

  it("is as much as the new bounds say, at once", () => {
    const world = handHub({ epoch: "e", retention: {} });
    for (let count = 0; count < 5; count++) world.hub.publish("a", "x");
    world.hub.reconfigure({ retention: { messages: 2 } });
    assert.equal(readBehind(world, 0), "started catching-up gap(1..3×?:trimmed) 4 5 live");
    world.hub.reconfigure({ retention: { messages: 9 } });
    world.hub.publish("a", "x");
    assert.equal(readBehind(world, 3), "started catching-up 4 5 6 live", "what is gone does not come back");
  });

  it("begins with the first message after a topic got a log", () => {
    const world = handHub({ epoch: "e" });
    world.hub.publish("a", "x");
    world.hub.reconfigure({ topics: { a: { retention: {} } } });
    world.hub.publish("a", "x");
    assert.equal(readBehind(world, 0), "started catching-up gap(1..1×?:trimmed) 2 live");
    assert.equal(readBehind(world, 1), "started catching-up 2 live");
  });

  it("is nothing where nothing is to be retained any more, and something again later", () => {
    const world = handHub({ epoch: "e", retention: {} });
    world.hub.publish("a", "x");
    world.hub.reconfigure({});
    world.hub.publish("a", "x");
    assert.equal(readBehind(world, 0), "started catching-up gap(1..2×?:trimmed) live progress(2)");
    world.hub.reconfigure({ retention: {} });
    world.hub.publish("a", "x");
    assert.equal(readBehind(world, 2), "started catching-up 3 live");
  });

  it("is of the kind that it says now: the latest per key, or all", () => {
    const world = handHub({ epoch: "e", retention: {} });
    world.hub.publish("a", "x");
    world.hub.reconfigure({ retention: { latestPerKey: true } });
    assert.throws(() => world.hub.publish("a", "x"), { code: "MESSAGE_INVALID", field: "key" });
    for (const key of ["k", "l", "k"]) world.hub.publish("a", "x", { key });
    assert.equal(readBehind(world, 0), "started catching-up gap(1..1×?:trimmed) 3 4 live");
    world.hub.reconfigure({ retention: { latestPerKey: true, keys: 1 } });
    assert.equal(readBehind(world, 1), "started catching-up gap(2..3×?:trimmed) 4 live");
    world.hub.reconfigure({ retention: {} });
    world.hub.publish("a", "x");
    assert.equal(readBehind(world, 4), "started catching-up 5 live");
  });

  for (const [what, config, told] of [
    ["no log any more", {}, "gap(4..7×4:trimmed)"],
    ["a smaller log", { retention: { messages: 1 } }, "gap(4..6×3:trimmed) 7"],
    ["a log of another kind", { retention: { latestPerKey: true } }, "gap(4..6×?:trimmed) 7"],
  ] as const) {
    it(`is told to a reader who was parked, with its number where it is known, when there is ${what}`, () => {
      const { hub, clock } = handHub({ retention: {}, queue: { messages: 2 } });
      const sink = new ValveSink();
      const subscription = hub.attach({ patterns: ["a"], overflow: "park" }, sink);
      clock.turn();
      sink.valve = "shut";
      hub.publish("a", "x");
      clock.turn();
      for (let count = 0; count < 5; count++) hub.publish("a", "x");
      assert.equal(subscription.state, "parked");
      hub.reconfigure(config);
      hub.publish("a", "x", { key: "k" });
      sink.openValve();
      clock.settle();
      assert.match(String(sink), new RegExp(told.replaceAll(/[.()?]/g, "\\$&")));
      assert.equal(subscription.state, "live");
      assertBalanced(subscription);
    });
  }

  it("goes on to be read where the next message of it has become larger than the bound", () => {
    const options = { retention: {}, overflow: "park", batch: { frames: 1 } } as const;
    const { hub, clock } = handHub({ ...options, queue: { messages: 10, bytes: 100 } });
    const sink = new ValveSink();
    const subscription = hub.attach({ patterns: ["a"] }, sink);
    clock.turn();
    sink.valve = "shut";
    for (const size of [1, 45, 45, 45, 60, 5]) hub.publish("a", Buffer.alloc(size));
    clock.turn();
    // Until the large one was read, found no room, and waits outside of the line.
    for (let count = 0; count < 4; count++) {
      sink.release();
      clock.turn();
    }
    assert.deepEqual([subscription.state, subscription.stats().queued], ["catching-up", 0]);
    hub.reconfigure({ ...options, queue: { messages: 10, bytes: 50 } });
    sink.openValve();
    clock.settle();
    assert.equal(subscription.state, "live");
    assert.match(String(sink), /4 gap\(5\.\.5×1:oversize\) 6 live/);
    assertBalanced(subscription);
  });

  it("is forgotten with the topics that are too many", () => {
    const world = handHub({ epoch: "e", retention: {} });
    for (const topic of ["a", "b", "c", "d"]) world.hub.publish(topic, "x");
    world.hub.reconfigure({ retention: {}, maxTopics: 2 });
    assert.equal(world.hub.stats().topics, 2);
    assert.equal(readBehind(world, 0, [">"]), "started catching-up gap(1..2×?:trimmed) 3 4 live");
  });
});
