import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it, mock } from "node:test";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { Subscription } from "../../src/fanout/subscription.ts";
import type { HubOptions, SubscribeRequest } from "../../src/index.ts";
import { handHub } from "../support/engine.ts";
import { Ear, EVENT_NAMES, type Heard } from "../support/events.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { runs } from "../support/property.ts";
import { ValveSink } from "../support/valve-sink.ts";

failOnLeaks();

const ROUND_MS = 250;
const RECOVERY_MS = 1_000;

/** A hub of one subscriber that does not read. */
function frozenHub(options: HubOptions = {}, request: Partial<SubscribeRequest> = {}) {
  const { hub, clock } = handHub({
    queue: { messages: 4 },
    escalation: [],
    newcomerGraceMs: 0,
    recoveryMs: RECOVERY_MS,
    stallTimeoutMs: 60_000,
    ...options,
  });
  const ear = new Ear(hub.epoch);
  const sink = new ValveSink({ valve: "open" });
  const access = { identity: "team-7", class: "dashboards" };
  const subscription = hub.attach({ patterns: ["a"], clientName: "dash-1", ...request }, sink, access);
  clock.turn();
  sink.valve = "shut";
  const publish = (count: number) => {
    for (let index = 0; index < count; index++) hub.publish("a", "1234567890");
    clock.turn();
  };
  const thaw = () => {
    sink.openValve();
    clock.settle();
  };
  const who = {
    epoch: hub.epoch,
    subscriptionId: subscription.id,
    clientName: "dash-1",
    identity: "team-7",
    class: "dashboards",
  };
  return { hub, clock, ear, sink, subscription, publish, thaw, who };
}

describe("every event", () => {
  it("says whose it is, and what was granted when it starts", () => {
    const { ear, who } = frozenHub({ overflow: "conflate", queue: { messages: 4, bytes: 100 } });
    assert.deepEqual(ear.all, [
      {
        name: "spillway:subscription:started",
        event: {
          ...who,
          patterns: ["a"],
          start: "live",
          overflow: "conflate",
          queue: { messages: 4, bytes: 100 },
        },
      },
    ]);
  });

  it("says what became of everything when it ends", () => {
    const { ear, who, clock, subscription, publish, hub } = frozenHub();
    publish(1);
    publish(7);
    clock.advance(5_000);
    subscription.end("replaced", "another came");
    clock.settle();
    assert.deepEqual(ear.one("spillway:subscription:ended"), {
      ...who,
      reason: "replaced",
      detail: "another came",
      position: { epoch: hub.epoch, offset: 0 },
      livedMs: 5_000,
      delivered: 0,
      lost: 3,
      dropped: { overflow: 3, oversize: 0, "render-failed": 0, "filter-failed": 0 },
      expired: 0,
      conflated: 0,
      discardedAtClose: 5,
    });
  });

  it("tells the hubs of one process apart", () => {
    const [one, other] = [frozenHub(), frozenHub()];
    one.hub.reportHookError("filter", new Error("one"));
    assert.deepEqual([one.ear.names, other.ear.names], [["started", "hook-error"], ["started"]]);
    assert.equal(one.ear.one("spillway:hook-error").hook, "filter");
  });

  it("is not even made while nobody listens", () => {
    const stats = mock.method(Subscription.prototype, "stats");
    try {
      const { hub, clock } = handHub({
        queue: { messages: 4 },
        newcomerGraceMs: 0,
        stallTimeoutMs: 1_000,
        escalation: [{ when: { lagMessages: 2 }, policy: "park" }],
        retention: { messages: 1_000 },
      });
      const sink = new ValveSink({ valve: "shut" });
      const subscription = hub.attach({ patterns: ["a"], filter: ({ offset }) => offset > 2 }, sink);
      for (let count = 0; count < 10; count++) hub.publish("a", "");
      clock.advance(10_000);
      assert.equal(subscription.state, "parked");
      sink.openValve();
      clock.advance(10_000);
      assert.equal(subscription.state, "live");
      assert.equal(stats.mock.callCount(), 0);
    } finally {
      stats.mock.restore();
    }
  });
});

describe("an episode of being slow", () => {
  it("begins and ends with how things stand, and how long it was", () => {
    const { ear, who, clock, subscription, publish, thaw } = frozenHub();
    publish(1);
    clock.advance(100);
    publish(3);
    clock.advance(ROUND_MS - 100);
    const situation = {
      ...who,
      state: "live",
      overflow: "drop-oldest",
      rung: 0,
      queued: 3,
      queuedBytes: 30,
      queue: subscription.stats().capacity,
      lagMs: ROUND_MS,
      lagMessages: 4,
      lagBytes: 40,
      lost: 0,
    };
    assert.deepEqual(ear.one("spillway:subscription:slow"), situation);
    clock.advance(3_000);
    thaw();
    clock.advance(ROUND_MS);
    assert.deepEqual(ear.one("spillway:subscription:recovered"), {
      ...situation,
      queued: 0,
      queuedBytes: 0,
      lagMs: 0,
      lagMessages: 0,
      lagBytes: 0,
      forMs: 3_000 + ROUND_MS,
    });
    assert.deepEqual(ear.names, ["started", "slow", "recovered"]);
  });

  it("is over when the subscription is", () => {
    const { ear, clock, publish, subscription } = frozenHub();
    publish(1);
    publish(4);
    clock.advance(ROUND_MS);
    subscription.end("cancelled");
    clock.settle();
    assert.deepEqual(ear.names, ["started", "slow", "recovered", "ended"]);
    assert.equal(ear.one("spillway:subscription:recovered").state, "ended");
  });
});

describe("an episode of losing messages", () => {
  it("is told when it begins, and again when nothing was lost for as long as a recovery takes", () => {
    const { ear, clock, publish } = frozenHub();
    publish(1);
    publish(6);
    clock.advance(ROUND_MS);
    assert.deepEqual(ear.names, ["started", "slow", "dropping"]);
    assert.equal(ear.one("spillway:subscription:dropping").lost, 2);
    // Further losses are of the same episode.
    for (let count = 0; count < 10; count++) {
      publish(1);
      clock.advance(RECOVERY_MS - ROUND_MS);
    }
    assert.deepEqual(ear.of("spillway:subscription:dropped"), []);
    clock.advance(RECOVERY_MS);
    const { lost, episodeLost } = ear.one("spillway:subscription:dropped");
    assert.deepEqual([lost, episodeLost], [12, 12]);
    publish(3);
    clock.advance(ROUND_MS + RECOVERY_MS);
    assert.deepEqual(ear.names.slice(-4), ["dropping", "dropped", "dropping", "dropped"]);
    assert.deepEqual(
      ear.of("spillway:subscription:dropped").map((event) => [event.lost, event.episodeLost]),
      [
        [12, 12],
        [15, 3],
      ],
    );
  });

  it("counts what was lost up to the end of the subscription", () => {
    const { ear, clock, publish, subscription } = frozenHub();
    publish(1);
    publish(5);
    clock.advance(ROUND_MS);
    publish(2);
    subscription.end("cancelled");
    clock.settle();
    assert.deepEqual(ear.names, ["started", "slow", "dropping", "recovered", "dropped", "ended"]);
    assert.equal(ear.one("spillway:subscription:dropped").episodeLost, 3);
    assert.equal(ear.one("spillway:subscription:ended").lost, 3);
  });

  it("is any loss: a predicate that fails, a message that is too old", () => {
    const { ear, clock, thaw, hub } = frozenHub(
      {},
      {
        maxAgeMs: 100,
        filter: ({ offset }) => {
          if (offset === 1) throw new Error("no opinion");
          return true;
        },
      },
    );
    hub.publish("a", "");
    clock.advance(ROUND_MS);
    assert.equal(ear.one("spillway:subscription:dropping").lost, 1);
    hub.publish("a", "");
    clock.advance(2 * ROUND_MS);
    thaw();
    clock.advance(RECOVERY_MS + ROUND_MS);
    assert.equal(ear.one("spillway:subscription:dropped").episodeLost, 2);
  });
});

describe("an episode of reading the past", () => {
  const retained: HubOptions = { overflow: "park", retention: { messages: 1_000 } };

  it("is parked, and over when everything is caught up with", () => {
    const { ear, clock, publish, thaw, subscription } = frozenHub(retained);
    publish(1);
    publish(50);
    clock.advance(ROUND_MS);
    assert.deepEqual(ear.names, ["started", "parked"]);
    const { state, queued, lost } = ear.one("spillway:subscription:parked");
    assert.deepEqual([state, queued, lost], ["parked", 4, 0]);
    clock.advance(2_000);
    thaw();
    assert.equal(subscription.state, "live");
    clock.advance(ROUND_MS);
    const { after, forMs } = ear.one("spillway:subscription:caught-up");
    assert.deepEqual([after, forMs], ["park", 2_000 + ROUND_MS]);
    assert.deepEqual(ear.names, ["started", "parked", "caught-up"]);
  });

  it("is told of one that starts in the past when it is live, not as parked", () => {
    const { hub, clock } = handHub({ ...retained, queue: { messages: 4 } });
    for (let count = 0; count < 100; count++) hub.publish("a", "");
    const ear = new Ear(hub.epoch);
    const sink = new ValveSink({ valve: "shut" });
    hub.attach({ patterns: ["a"], start: "oldest" }, sink);
    clock.advance(ROUND_MS);
    sink.openValve();
    clock.advance(2 * ROUND_MS);
    assert.deepEqual(ear.names, ["started", "caught-up"]);
    assert.equal(ear.one("spillway:subscription:started").start, "oldest");
    assert.equal(ear.one("spillway:subscription:caught-up").after, "start");
  });

  it("is not told where there was nothing to read", () => {
    const { hub, clock } = handHub({ ...retained, queue: { messages: 4 } });
    const ear = new Ear(hub.epoch);
    hub.attach({ patterns: ["a"], start: "oldest" }, new ValveSink());
    clock.advance(2 * ROUND_MS);
    assert.deepEqual(ear.names, ["started"]);
  });

  it("does not claim that one that ended had caught up", () => {
    const { ear, clock, publish, subscription } = frozenHub(retained);
    publish(50);
    clock.advance(ROUND_MS);
    subscription.end("cancelled");
    clock.settle();
    assert.deepEqual(ear.names, ["started", "parked", "ended"]);
  });
});

describe("a stall", () => {
  it("says how long the write was stalled", () => {
    const { ear, clock, publish, thaw } = frozenHub({ stallTimeoutMs: 1_000 });
    publish(1);
    clock.advance(1_000 + 2 * ROUND_MS);
    assert.equal(ear.one("spillway:subscription:stalled").lagMessages, 1);
    clock.advance(5_000);
    thaw();
    const { forMs } = ear.one("spillway:subscription:unstalled");
    assert.ok(forMs >= 5_000 && forMs <= 5_000 + 2 * ROUND_MS, `${forMs} ms`);
  });
});

describe("a change of rung", () => {
  it("names the rung before and after, and the policy in force from then on", () => {
    const { ear, clock, publish, thaw } = frozenHub({
      escalation: [
        { when: { lagMessages: 2 }, policy: "conflate" },
        { when: { fullForMs: 1_000 }, policy: "evict" },
      ],
    });
    publish(2);
    clock.advance(ROUND_MS);
    thaw();
    clock.advance(RECOVERY_MS + 2 * ROUND_MS);
    const changes = ear
      .of("spillway:subscription:escalated")
      .map(({ rungBefore, rung, overflow }) => [rungBefore, rung, overflow]);
    assert.deepEqual(changes, [
      [0, 1, "conflate"],
      [1, 0, "drop-oldest"],
    ]);
  });

  it("that evicts shows what was waiting before it was thrown away", () => {
    const { ear, clock, publish } = frozenHub({
      escalation: [{ when: { lagMessages: 3 }, policy: "evict" }],
    });
    publish(3);
    clock.advance(ROUND_MS);
    const { overflow, rung, lagMessages, state } = ear.one("spillway:subscription:escalated");
    assert.deepEqual([overflow, rung, lagMessages, state], ["evict", 1, 3, "live"]);
    assert.equal(ear.one("spillway:subscription:ended").reason, "slow");
  });

  it("by other options is told too", () => {
    const rungs: HubOptions["escalation"] = [{ when: { lagMessages: 2 }, policy: "conflate" }];
    const { hub, ear, clock, publish } = frozenHub({ escalation: rungs });
    publish(3);
    clock.advance(ROUND_MS);
    hub.reconfigure({ escalation: [] });
    const changes = ear
      .of("spillway:subscription:escalated")
      .map(({ rungBefore, rung, overflow }) => [rungBefore, rung, overflow]);
    assert.deepEqual(changes, [
      [0, 1, "conflate"],
      [1, 0, "drop-oldest"],
    ]);
    assert.deepEqual(ear.one("spillway:hub:reconfigured"), { epoch: hub.epoch, subscriptions: 1 });
  });
});

describe("evictions that pause", () => {
  it("are told once, with how many are slow, and once when they go on", () => {
    const { hub, clock } = handHub({
      stallTimeoutMs: 1_000,
      newcomerGraceMs: 0,
      escalation: [{ when: { stalledForMs: 1_000 }, policy: "evict" }],
    });
    const ear = new Ear(hub.epoch);
    const sinks = Array.from(
      { length: 20 },
      (_, index) => new ValveSink({ valve: index < 12 ? "shut" : "open" }),
    );
    for (const sink of sinks) hub.attach({ patterns: ["a"] }, sink);
    clock.advance(30_000);
    assert.deepEqual(ear.one("spillway:hub:evictions-paused"), {
      epoch: hub.epoch,
      subscriptions: 20,
      slow: 12,
    });
    for (const sink of sinks) sink.openValve();
    clock.advance(2 * ROUND_MS);
    const { forMs, slow, subscriptions } = ear.one("spillway:hub:evictions-resumed");
    assert.deepEqual([slow, subscriptions], [0, 20]);
    assert.ok(forMs > 20_000 && forMs < 30_000, `${forMs} ms`);
    assert.deepEqual(ear.of("spillway:subscription:ended"), []);
  });

  it("go on when those who were slow have all gone", () => {
    const { hub, clock } = handHub({ stallTimeoutMs: 1_000 });
    const ear = new Ear(hub.epoch);
    const subscriptions = Array.from({ length: 10 }, () =>
      hub.attach({ patterns: ["a"] }, new ValveSink({ valve: "shut" })),
    );
    clock.advance(5_000);
    for (const subscription of subscriptions) subscription.end("cancelled");
    clock.settle();
    assert.equal(ear.one("spillway:hub:evictions-paused").slow, 10);
    assert.deepEqual(
      [ear.one("spillway:hub:evictions-resumed").subscriptions, ear.names.at(-1)],
      [0, "evictions-resumed"],
    );
  });
});

describe("whatever a subscriber does", () => {
  const action = fc.oneof(
    fc.record({ kind: fc.constant("publish" as const), amount: fc.integer({ min: 1, max: 12 }) }),
    fc.record({ kind: fc.constant("wait" as const), amount: fc.integer({ min: 1, max: 3_000 }) }),
    fc.record({ kind: fc.constantFrom("open" as const, "shut" as const, "watch" as const) }),
  );
  const policies = fc.constantFrom("drop-oldest" as const, "drop-newest" as const, "park" as const);

  it("what begins is over before it begins again, and the losses of the episodes add up", () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 30 }), policies, fc.boolean(), (actions, overflow, rungs) => {
        const { ear, clock, publish, thaw, sink, subscription } = frozenHub({
          overflow,
          stallTimeoutMs: 500,
          escalation: rungs ? [{ when: { lagMessages: 3 }, policy: "conflate" }] : [],
          retention: { messages: 8 },
        });
        for (const step of actions) {
          if (step.kind === "publish") publish(step.amount);
          else if (step.kind === "wait") clock.advance(step.amount);
          else if (step.kind === "open") thaw();
          else if (step.kind === "shut") sink.valve = "shut";
          else clock.advance(ROUND_MS);
        }
        clock.advance(ROUND_MS);
        subscription.end("cancelled");
        clock.settle();
        const { names } = ear;
        for (const [begin, over] of [
          ["slow", "recovered"],
          ["dropping", "dropped"],
          ["stalled", "unstalled"],
          ["parked", "caught-up"],
        ] as const) {
          const turns = names.filter((name) => name === begin || name === over);
          for (const [index, name] of turns.entries())
            assert.equal(name, index % 2 === 0 ? begin : over, turns.join());
        }
        for (const pair of ["slow", "dropping"]) {
          const over = pair === "slow" ? "recovered" : "dropped";
          const count = (name: string) => names.filter((other) => other === name).length;
          assert.equal(count(pair), count(over));
        }
        const told = ear
          .of("spillway:subscription:dropped")
          .reduce((sum, { episodeLost }) => sum + episodeLost, 0);
        assert.equal(told, ear.one("spillway:subscription:ended").lost);
        assert.deepEqual([names[0], names.at(-1)], ["started", "ended"]);
      }),
      runs(200),
    );
  });
});

describe("the table of the channels in the documentation", () => {
  const text = readFileSync(
    fileURLToPath(new URL("../../../docs/observability.md", import.meta.url)),
    "utf8",
  );
  const quoted = (part: string) => [...part.matchAll(/`([\w:-]+)`/g)].map(([, name]) => name as string);
  const group = (name: string) => {
    const [, list = ""] = new RegExp(`^- \\*\\*${name}\\*\\*[^:]*: ([^.]*)\\.`, "m").exec(text) ?? [];
    return quoted(list);
  };
  const rows = [...text.matchAll(/^\| `(spillway:[\w:-]+)` +\|[^|]*\|([^|]*)\|$/gm)].map(
    ([, name = "", says = ""]) => {
      const words = says.split(", ").map((word) => word.trim());
      const groups = ["who", "how"].filter((word) => words.includes(word)).flatMap(group);
      return { name, fields: [...groups, ...quoted(says)].sort() };
    },
  );

  it("has every channel that is exported, and no other", () => {
    assert.deepEqual(rows.map(({ name }) => name).sort(), EVENT_NAMES.toSorted());
  });

  it("names the fields that each event has", () => {
    const told = new Map<string, string[]>();
    for (const { name, event } of everything()) told.set(name, Object.keys(event).sort());
    for (const { name, fields } of rows) assert.deepEqual(told.get(name), fields, name);
  });
});

/** At least one event of every kind, from hubs that have a bad day. */
function everything(): Heard[] {
  const frozen = frozenHub({
    stallTimeoutMs: 1_000,
    escalation: [{ when: { lagMessages: 3 }, policy: "conflate" }],
  });
  frozen.publish(1);
  frozen.publish(9);
  frozen.clock.advance(5_000);
  frozen.thaw();
  frozen.clock.advance(5_000);
  frozen.hub.reconfigure({});
  frozen.hub.reportHookError("filter", new Error("x"));
  frozen.subscription.end("cancelled");
  frozen.clock.settle();

  const parked = frozenHub({ overflow: "park", retention: { messages: 100 } });
  parked.publish(1);
  parked.publish(50);
  parked.clock.advance(1_000);
  parked.thaw();
  parked.clock.advance(1_000);

  const crowd = handHub({ stallTimeoutMs: 1_000 });
  const ear = new Ear(crowd.hub.epoch);
  const sinks = Array.from({ length: 10 }, () => new ValveSink({ valve: "shut" }));
  for (const sink of sinks) crowd.hub.attach({ patterns: ["a"] }, sink);
  crowd.clock.advance(5_000);
  for (const sink of sinks) sink.openValve();
  crowd.clock.advance(1_000);
  return [...frozen.ear.all, ...parked.ear.all, ...ear.all];
}
