import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { HubOptions, Start, Subscription } from "../../src/index.ts";
import { assertBalanced, handHub } from "../support/engine.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { ValveSink, type ValveSinkOptions } from "../support/valve-sink.ts";

failOnLeaks();

const everything: HubOptions = { retention: {}, epoch: "e", newcomerGraceMs: 0 };
const newest = (messages: number): HubOptions => ({ ...everything, retention: { messages } });
const at = (offset: number): Start => ({ epoch: "e", offset });

function hubWith(options: HubOptions) {
  const { hub, clock } = handHub(options);
  const publish = (...topics: string[]) => topics.map((topic) => hub.publish(topic, "").offset);
  const join = (
    patterns: string[],
    start: Start,
    { queue, filter, ...sinkOptions }: ValveSinkOptions & { queue?: number; filter?: () => boolean } = {},
  ) => {
    const sink = new ValveSink(sinkOptions);
    const bounds = queue === undefined ? undefined : { messages: queue };
    const subscription = hub.attach({ patterns, start, filter, queue: bounds }, sink);
    return { sink, subscription };
  };
  return { hub, clock, publish, join };
}

describe("resuming at the edges of what is retained", () => {
  // Ten messages of which the log keeps the newest four: 7, 8, 9 and 10.
  const rows: readonly [name: string, start: Start, got: string][] = [
    ["the oldest", at(7), "started catching-up 8 9 10 live"],
    ["the oldest − 1", at(6), "started catching-up 7 8 9 10 live"],
    ["the oldest − 2", at(5), "started catching-up gap(6..6×?:trimmed) 7 8 9 10 live"],
    ["no message yet", at(0), "started catching-up gap(1..6×?:trimmed) 7 8 9 10 live"],
    ["the newest", at(10), "started catching-up live"],
    ["the newest − 1", at(9), "started catching-up 10 live"],
    ["oldest", "oldest", "started catching-up 7 8 9 10 live"],
    ["newest 2", { newest: 2 }, "started catching-up 9 10 live"],
    ["newest 4", { newest: 4 }, "started catching-up 7 8 9 10 live"],
    ["newest 5, more than there are", { newest: 5 }, "started catching-up 7 8 9 10 live"],
  ];
  for (const [name, start, got] of rows) {
    it(`at ${name} brings all that is left, once, and says what is not`, () => {
      const { clock, publish, join } = hubWith(newest(4));
      publish(...Array.from({ length: 10 }, () => "a"));
      const { sink, subscription } = join(["a"], start);
      clock.settle();
      assert.equal(String(sink), got);
      publish("a");
      clock.settle();
      assert.deepEqual(sink.offsets.at(-1), 11);
      assert.equal(subscription.position.offset, 11);
      assertBalanced(subscription);
    });
  }

  it("at the newest + 1 is refused: that was never handed out", () => {
    const { publish, join } = hubWith(newest(4));
    publish("a", "a");
    assert.throws(() => join(["a"], at(3)), { code: "POSITION_INVALID" });
  });

  it("since a time begins with the first message published then or later", () => {
    const { hub, clock, publish, join } = hubWith(everything);
    for (const topic of ["a", "b", "a", "b"]) {
      publish(topic);
      clock.advance(100);
    }
    const bornMs = clock.unixMs() - 400;
    for (const [sinceMs, got] of [
      [bornMs - 1, [1, 2, 3, 4]],
      [bornMs, [1, 2, 3, 4]],
      [bornMs + 1, [2, 3, 4]],
      [bornMs + 200, [3, 4]],
      [bornMs + 301, []],
    ] as const) {
      const { sink } = join([">"], { sinceMs });
      clock.settle();
      assert.deepEqual(sink.offsets, got);
      assert.deepEqual(sink.gaps, []);
    }
    assert.equal(hub.stats().subscriptions.live, 5);
  });

  it("since a time, or at the newest few, replays nothing that is older than the retention allows, swept or not", () => {
    for (const start of [(now: number) => ({ sinceMs: now - 10_000 }), () => ({ newest: 9 })]) {
      const { clock, publish, join } = hubWith({
        ...everything,
        retention: { ageMs: 1_000 },
      });
      publish("a", "b");
      clock.advance(600);
      publish("a");
      clock.advance(401);
      const { sink } = join([">"], start(clock.unixMs()));
      clock.settle();
      assert.equal(String(sink), "started catching-up 3 live");
      clock.advance(600);
      const late = join(["a", "b"], start(clock.unixMs()));
      clock.settle();
      assert.equal(String(late.sink), "started catching-up live");
    }
  });

  it("while the log wraps under the reader tells exactly how many it was overtaken by", () => {
    const { clock, publish, join } = hubWith(newest(3));
    publish("a", "a", "a");
    const { sink, subscription } = join(["a"], at(0), {
      queue: 2,
      valve: "pulled",
      batch: { frames: 1, bytes: 1 },
    });
    for (let pull = 0; pull < 3; pull++) sink.pull();
    assert.equal(String(sink), "started catching-up 1");
    publish("a", "a", "a", "a", "a", "a");
    for (let pull = 0; pull < 8; pull++) sink.pull();
    assert.equal(String(sink), "started catching-up 1 gap(2..6×5:trimmed) 7 8 9 live");
    clock.settle();
    assertBalanced(subscription);
    assert.equal(subscription.stats().matched, 4);
  });

  it("of a message too large for its log is told as trimmed, because no log ever had it", () => {
    const { hub, clock, join } = hubWith({ ...everything, topics: { a: { retention: { bytes: 4 } } } });
    for (const payload of ["1", "12345", "2"]) hub.publish("a", payload);
    const { sink } = join(["a"], at(0));
    clock.settle();
    assert.equal(String(sink), "started catching-up gap(1..2×?:trimmed) 3 live");
  });

  it("behind what is older than the retention allows replays none of it, swept or not", () => {
    const { clock, publish, join } = hubWith({
      ...everything,
      topics: { a: { retention: { ageMs: 1_000 } } },
    });
    publish("a");
    clock.advance(1_000);
    publish("a");
    const early = join(["a"], at(0));
    clock.settle();
    assert.equal(String(early.sink), "started catching-up 1 2 live", "exactly that old is not older");
    clock.advance(1);
    const late = join(["a"], at(0));
    clock.settle();
    assert.equal(String(late.sink), "started catching-up gap(1..1×?:trimmed) 2 live");
  });
});

describe("catch-up over several topics", () => {
  it("merges their logs in the order of offsets", () => {
    const { clock, publish, join } = hubWith(everything);
    publish("a", "b", "a", "c", "b", "a", "d", "c");
    const { sink } = join(["a", "b", "c"], at(0), { queue: 2, batch: { frames: 1, bytes: 1 } });
    clock.settle();
    assert.equal(String(sink), "started catching-up 1 2 3 4 5 6 8 live");
  });

  it("reads a topic that is created in the middle of it", () => {
    const { clock, publish, join } = hubWith(everything);
    publish("a.x", "a.x");
    const { sink } = join(["a.*"], at(0), { queue: 2, valve: "pulled", batch: { frames: 1, bytes: 1 } });
    for (let pull = 0; pull < 3; pull++) sink.pull();
    publish("a.new", "a.x", "a.new");
    for (let pull = 0; pull < 8; pull++) sink.pull();
    assert.equal(String(sink), "started catching-up 1 2 3 4 5 live");
    publish("a.new");
    clock.settle();
    assert.deepEqual(sink.offsets, [1, 2, 3, 4, 5, 6]);
  });

  it("tells trimming of one topic in the middle of a pass, and goes on with the others in order", () => {
    const { publish, join } = hubWith({
      ...everything,
      topics: { a: { retention: { messages: 1 } }, b: { retention: {} } },
    });
    publish("b", "a", "b");
    const { sink, subscription } = join(["a", "b"], at(0), {
      queue: 2,
      valve: "pulled",
      batch: { frames: 1, bytes: 1 },
    });
    for (let pull = 0; pull < 3; pull++) sink.pull();
    publish("b", "a", "a");
    for (let pull = 0; pull < 9; pull++) sink.pull();
    assert.equal(String(sink), "started catching-up 1 gap(2..5×2:trimmed) 3 4 6 live");
    assert.equal(subscription.position.offset, 6);
  });

  it("says that it may miss messages of topics that were forgotten, to who wants all topics", () => {
    const { clock, publish, join } = hubWith({ ...everything, maxTopics: 2 });
    publish("a", "b", "c", "d");
    const { sink } = join([">"], at(0));
    clock.settle();
    assert.equal(String(sink), "started catching-up gap(1..2×?:trimmed) 3 4 live");
    assert.equal(sink.gaps[0]?.topic, undefined);
  });

  it("says so to who names a topic that was forgotten and is there again", () => {
    const { clock, publish, join } = hubWith({ ...everything, maxTopics: 2 });
    publish("a", "b", "c", "a");
    const { sink } = join(["a"], at(0));
    clock.settle();
    assert.equal(String(sink), "started catching-up gap(1..1×?:trimmed) 4 live");
    assert.equal(sink.gaps[0]?.topic, "a");
  });

  it("does not move the reader's position by a notice that reaches beyond what is still to come", () => {
    const { clock, publish, join } = hubWith({
      ...everything,
      progressIntervalMs: 1_000,
      retention: false,
      topics: { b: { retention: {} } },
    });
    publish("b", "a", "b", "a", "a");
    const { sink } = join(["a", "b"], at(0));
    clock.settle();
    assert.equal(String(sink), "started catching-up gap(1..5×?:trimmed) 1 3 live");
    clock.advance(2_000);
    assert.equal(
      String(sink),
      "started catching-up gap(1..5×?:trimmed) 1 3 live progress(5)",
      "message 3 is the last that told a position",
    );
  });
});

describe("the seam between the past and the present", () => {
  it("loses and doubles nothing, wherever the reader stops to breathe", () => {
    for (let pulls = 0; pulls < 12; pulls++) {
      const { publish, join } = hubWith(everything);
      publish("a", "a", "a", "a");
      const { sink, subscription } = join(["a"], at(1), {
        queue: 2,
        valve: "pulled",
        batch: { frames: 1, bytes: 1 },
      });
      for (let pull = 0; pull < pulls; pull++) sink.pull();
      publish("a");
      for (let pull = 0; pull < 12; pull++) sink.pull();
      publish("a");
      for (let pull = 0; pull < 12; pull++) sink.pull();
      assert.deepEqual([sink.offsets, sink.gaps], [[2, 3, 4, 5, 6], []]);
      assert.equal(sink.frames.filter((frame) => frame.kind === "state").length, 2);
      assert.equal(subscription.state, "live");
    }
  });

  it("is crossed inside a publish, when a hook reads: what was read from the log is not offered as well", () => {
    const { hub, clock, publish, join } = hubWith(everything);
    publish("a");
    const { sink, subscription } = join(["*"], at(0), { valve: "pulled" });
    const filter = () => {
      for (let pull = 0; pull < 3; pull++) sink.pull();
      return true;
    };
    hub.attach({ patterns: ["a"], filter }, new ValveSink());
    publish("a");
    assert.equal(subscription.state, "live");
    publish("a");
    for (let pull = 0; pull < 3; pull++) sink.pull();
    clock.settle();
    assert.equal(String(sink), "started catching-up 1 2 live 3");
  });

  it("is crossed by a filter that publishes while it is asked where to start", () => {
    const { hub, clock, publish } = hubWith(everything);
    publish("a");
    const sink = new ValveSink();
    let echoes = 2;
    const filter = () => {
      if (echoes-- > 0) publish("a");
      return true;
    };
    hub.attach({ patterns: ["a"], start: { newest: 1 }, filter }, sink);
    clock.settle();
    assert.equal(String(sink), "started catching-up 1 2 3 live");
  });

  it("is crossed after one look at the log, however much a filter skips, in turns that others share", () => {
    const { hub, clock, publish, join } = hubWith({ ...newest(40_000), queue: { messages: 10_000 } });
    publish(...Array.from({ length: 40_000 }, () => "a"));
    let asked = 0;
    const { subscription } = join(["a"], at(0), {
      filter: () => {
        asked++;
        return false;
      },
    });
    const perTurn: number[] = [];
    while (subscription.state !== "live") {
      const before = asked;
      clock.turn();
      perTurn.push(asked - before);
    }
    assert.equal(asked, 40_000);
    assert.ok(Math.max(...perTurn) <= 16 * 1_024, `${perTurn}`);
    assert.equal(hub.stats().matched, 0);
  });
});

describe("a snapshot", () => {
  const latest: HubOptions = {
    ...everything,
    topics: { state: { retention: { latestPerKey: true } }, log: { retention: {} } },
  };
  const fill = (hub: ReturnType<typeof handHub>["hub"]) => {
    for (const [key, tombstone] of [["x"], ["y"], ["x"], ["z"], ["y", true]] as const)
      hub.publish("state", key, { key, tombstone });
    hub.publish("log", "");
  };

  it("is the latest of every key, deletions included, then a marker, then what is published", () => {
    const { hub, clock, join, publish } = hubWith(latest);
    fill(hub);
    const { sink } = join(["state", "log"], "snapshot");
    clock.settle();
    assert.equal(String(sink), "started catching-up 3 4 5 live");
    publish("log");
    hub.publish("state", "", { key: "z" });
    clock.settle();
    assert.equal(String(sink), "started catching-up 3 4 5 live 7 8");
    assert.deepEqual(sink.gaps, [], "older values of a key are no loss");
  });

  it("replaced while it is read brings the newer value once, before the marker", () => {
    const { hub, join } = hubWith(latest);
    fill(hub);
    const { sink } = join(["state"], "snapshot", {
      queue: 2,
      valve: "pulled",
      batch: { frames: 1, bytes: 1 },
    });
    for (let pull = 0; pull < 3; pull++) sink.pull();
    hub.publish("state", "newer", { key: "z" });
    for (let pull = 0; pull < 9; pull++) sink.pull();
    assert.equal(String(sink), "started catching-up 3 5 7 live");
  });

  it("tells of a key that its log forgets before it was read, though a younger deletion went before", () => {
    const { hub, clock } = hubWith({
      ...everything,
      topics: { state: { retention: { latestPerKey: true, keys: 3, tombstoneAgeMs: 1_000 } } },
    });
    hub.publish("state", "", { key: "old" });
    hub.publish("state", "", { key: "gone", tombstone: true });
    clock.advance(1_001);
    const sink = new ValveSink({ valve: "pulled", batch: { frames: 1, bytes: 1 } });
    hub.attach({ patterns: ["state"], start: "snapshot", queue: { messages: 2 } }, sink);
    for (const key of ["x", "y", "z"]) hub.publish("state", "", { key });
    for (let pull = 0; pull < 9; pull++) sink.pull();
    assert.equal(String(sink), "started catching-up gap(1..2×?:trimmed) 3 4 5 live");
  });

  it("of a hub that retains no such thing is empty, and live at once", () => {
    const { clock, publish, join } = hubWith(everything);
    publish("a");
    const { sink, subscription } = join(["a"], "snapshot");
    assert.equal(subscription.state, "live");
    clock.settle();
    assert.equal(String(sink), "started catching-up live");
  });

  it("is not called complete by a change of rung that comes on the way", () => {
    const { hub, clock } = hubWith(latest);
    for (let key = 0; key < 4; key++) hub.publish("state", "", { key: `${key}` });
    const sink = new ValveSink({ valve: "shut", batch: { frames: 2, bytes: 1_000 } });
    const escalation = [{ when: { lagMessages: 1 }, policy: "drop-newest" }] as const;
    hub.attach({ patterns: ["state"], start: "snapshot", queue: { messages: 10 }, escalation }, sink);
    clock.turn();
    sink.release();
    clock.turn();
    clock.advance(500);
    while (sink.outstanding) {
      sink.release();
      clock.turn();
    }
    const told = sink.frames.map((frame) =>
      frame.kind === "state" ? `${frame.state}:${frame.overflow}:${frame.rung}` : frame.kind,
    );
    assert.deepEqual(told, [
      "started",
      "catching-up:drop-oldest:0",
      "message",
      "message",
      "catching-up:drop-newest:1",
      "message",
      "message",
      "live:drop-newest:1",
    ]);
    clock.advance(0);
  });
});

describe("park", () => {
  const parking: HubOptions = { ...everything, overflow: "park", queue: { messages: 2 } };
  const parked = (options: HubOptions, patterns = ["a"], filter?: () => boolean) => {
    const { hub, clock, publish } = hubWith(options);
    const sink = new ValveSink();
    const subscription: Subscription = hub.attach({ patterns, filter }, sink);
    clock.turn();
    sink.valve = "shut";
    return { hub, clock, publish, sink, subscription };
  };

  it("keeps what is queued, and goes on from the log exactly where it stopped", () => {
    const { clock, publish, sink, subscription } = parked(parking);
    publish("a", "b", "a", "a", "a");
    assert.equal(subscription.state, "parked");
    assert.equal(subscription.stats().matched, 2, "what it refused is not evaluated yet");
    publish("a", "a");
    sink.openValve();
    clock.settle();
    assert.equal(String(sink), "started 1 3 parked 4 5 6 7 live");
    assertBalanced(subscription);
    assert.deepEqual([subscription.stats().matched, subscription.position.offset], [6, 7]);
  });

  it("costs nothing per message: it is in no list that a publish walks, and its filter is not asked", () => {
    let asked = 0;
    const { hub, publish, subscription } = parked(parking, ["a"], () => {
      asked++;
      return true;
    });
    publish("a", "a", "a");
    assert.equal(subscription.state, "parked");
    const before = asked;
    publish(...Array.from({ length: 100 }, () => "a"));
    assert.equal(asked, before);
    assert.equal(hub.topicStats("a")?.subscribers, 0);
    assert.equal(subscription.stats().queued, 2);
  });

  const moments: readonly [name: string, wish: object, options: HubOptions][] = [
    [
      "by a rung",
      { overflow: "drop-oldest" },
      { escalation: [{ when: { lagMessages: 3 }, policy: "park" }], recoveryMs: 0 },
    ],
    ["by the time-out of a block", { overflow: "block" }, { blockTimeoutMs: 250 }],
  ];
  for (const [name, wish, options] of moments) {
    it(`${name} tells exactly how many the log has lost since, per topic that it names`, () => {
      const { hub, clock, publish } = hubWith({
        ...newest(2),
        queue: { messages: 2 },
        escalation: [],
        ...options,
      });
      const sink = new ValveSink({ batch: { frames: 1, bytes: 1_000 } });
      const subscription = hub.attach({ patterns: ["a", "b"], queue: { messages: 2 }, ...wish }, sink);
      clock.turn();
      sink.valve = "shut";
      publish("a");
      clock.turn();
      publish("c", "b", "a");
      clock.advance(1_000);
      assert.equal(subscription.state, "parked");
      // The queue keeps 1, 3 and 4; of what follows, the logs keep 12 and 13, and 5 and 6.
      publish("b", "b", "a", "a", "c", "c", "a");
      publish("a", "a");
      sink.openValve();
      clock.advance(5_000);
      assert.deepEqual(sink.offsets, [1, 3, 4, 5, 6, 12, 13]);
      assert.deepEqual(
        sink.gaps.map(({ topic, count, reason }) => [topic, count, reason]),
        [["a", 3, "trimmed"]],
      );
      assert.equal(subscription.state, "live");
      assertBalanced(subscription);
    });

    it(`${name} does not claim to know how many a filter would have wanted, nor a wildcard`, () => {
      for (const more of [{ filter: () => true }, { patterns: ["*"] }]) {
        const { hub, clock, publish } = hubWith({
          ...newest(2),
          queue: { messages: 2 },
          escalation: [],
          ...options,
        });
        const sink = new ValveSink({ batch: { frames: 1, bytes: 1_000 } });
        hub.attach({ patterns: ["a"], queue: { messages: 2 }, ...wish, ...more }, sink);
        clock.turn();
        sink.valve = "shut";
        publish("a");
        clock.turn();
        publish("a", "a");
        clock.advance(1_000);
        publish("a", "a", "a");
        sink.openValve();
        clock.advance(5_000);
        assert.deepEqual(sink.offsets, [1, 2, 3, 5, 6]);
        assert.deepEqual(
          sink.gaps.map(({ count }) => count),
          [undefined],
        );
      }
    });
  }

  it("tells exactly how many the log has lost meanwhile, per topic", () => {
    const { clock, publish, sink, subscription } = parked(
      { ...newest(2), overflow: "park", queue: { messages: 2 } },
      ["a", "b"],
    );
    publish("a", "b", "a", "b", "a", "a", "a", "b");
    sink.openValve();
    clock.settle();
    assert.equal(String(sink), "started 1 2 parked gap(3..5×2:trimmed) 4 6 7 8 live");
    assertBalanced(subscription);
  });

  it("under a filter knows of what was trimmed that it was, and not how much", () => {
    const { clock, publish, sink } = parked(
      { ...newest(2), overflow: "park", queue: { messages: 2 } },
      ["a"],
      () => true,
    );
    publish("a", "a", "a", "a", "a", "a");
    sink.openValve();
    clock.settle();
    assert.equal(String(sink), "started 1 2 parked gap(3..4×?:trimmed) 5 6 live");
  });

  it("without a log is refused, to the owner and to a subscriber", () => {
    assert.throws(() => handHub({ overflow: "park" }), { name: "TypeError", message: /retention/ });
    const { hub } = handHub();
    assert.throws(() => hub.attach({ patterns: ["a"], overflow: "park" }, new ValveSink()), {
      code: "REQUEST_INVALID",
      field: "overflow",
    });
  });

  it("drains what is queued when the hub closes, and leaves the rest to a resume", () => {
    const { hub, clock, publish, sink } = parked(parking);
    publish("a", "a", "a", "a");
    void hub.close();
    sink.openValve();
    clock.settle();
    assert.equal(String(sink), "started draining 1 2 parked end:draining");
    assert.equal(sink.ended?.position.offset, 2);
  });
});

describe("a message that is too old", () => {
  it("is not written, and told as expired where it stood", () => {
    const { hub, clock } = hubWith({ epoch: "e" });
    const sink = new ValveSink();
    const subscription = hub.attach({ patterns: ["a"] }, sink);
    clock.turn();
    sink.valve = "shut";
    hub.publish("a", "");
    clock.turn();
    for (const ttlMs of [undefined, 100, 100, 101, undefined]) hub.publish("a", "", { ttlMs });
    clock.advance(101);
    sink.openValve();
    clock.settle();
    assert.equal(String(sink), "started 1 2 gap(3..4×2:expired) 5 6");
    assert.equal(subscription.stats().expired, 2);
    assertBalanced(subscription);
  });

  it("for one subscriber is not too old for another", () => {
    const { hub, clock } = hubWith(everything);
    const [patient, hasty] = [new ValveSink(), new ValveSink()];
    hub.publish("a", "");
    clock.advance(50);
    hub.publish("a", "");
    clock.advance(50);
    hub.attach({ patterns: ["a"], start: at(0) }, patient);
    hub.attach({ patterns: ["a"], start: at(0), maxAgeMs: 99 }, hasty);
    clock.settle();
    assert.equal(String(patient), "started catching-up 1 2 live");
    assert.equal(String(hasty), "started catching-up gap(1..1×1:expired) 2 live");
  });

  it("is refused where it could not be told apart from a mistake", () => {
    const { hub } = hubWith({});
    for (const ttlMs of [0, -1, Number.NaN])
      assert.throws(() => hub.publish("a", "", { ttlMs }), { code: "MESSAGE_INVALID", field: "ttl_ms" });
    for (const maxAgeMs of [0, -1, Number.NaN])
      assert.throws(() => hub.attach({ patterns: ["a"], maxAgeMs }, new ValveSink()), {
        code: "REQUEST_INVALID",
        field: "max_age_ms",
      });
    assert.throws(() => hub.publish("a", "", { tombstone: true }), { code: "MESSAGE_INVALID", field: "key" });
  });
});
