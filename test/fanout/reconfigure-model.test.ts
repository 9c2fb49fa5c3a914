/**
 * Random valid options, and random changes of them while messages are published and read at random speeds: what must hold
 * whatever the options are.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  Hub,
  type HubConfig,
  hubConfigProblems,
  OVERFLOW_POLICIES,
  type Subscription,
  type SubscriptionStats,
} from "../../src/index.ts";
import { assertBalanced } from "../support/engine.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { runs } from "../support/property.ts";
import { contractFaults, ValveSink } from "../support/valve-sink.ts";
import { naiveMatch } from "./plain-subscription.ts";

failOnLeaks();

const TOPICS = ["a.x", "a.y", "b"];
const PATTERNS = ["a.x", "a.*", "b", ">"];
/** Policies that lose messages of a full queue and let the subscriber live on. */
const DROPPING = new Set(["drop-oldest", "drop-newest", "conflate"]);

const overflow = fc.constantFrom(...OVERFLOW_POLICIES);
const bounds = fc.record(
  { messages: fc.constantFrom(1, 2, 3, 5, 9), bytes: fc.constantFrom(20, 60, 200, 1_000) },
  { requiredKeys: [] },
);
const policy = fc.constantFrom("drop-oldest", "drop-newest", "conflate", "park", "evict");
const subscriberOptions = {
  preset: fc.constantFrom("live-state", "event-feed", "audit-log", "telemetry"),
  overflow,
  allowedOverflow: fc.uniqueArray(overflow, { minLength: 1 }),
  queue: bounds,
  maxQueue: bounds,
  maxAgeMs: fc.constantFrom(500, 5_000, Number.POSITIVE_INFINITY),
  escalation: fc.array(
    fc.record({
      when: fc.record({ lagMessages: fc.integer({ min: 1, max: 6 }) }),
      policy,
    }),
    { maxLength: 2 },
  ),
  recoveryMs: fc.constantFrom(0, 1_000),
  newcomerGraceMs: fc.constantFrom(0, 1_000),
  watermarks: fc.constantFrom({ high: 0.5 }, { high: 0.9, low: 0.1 }, { low: 0.75 }),
  stallTimeoutMs: fc.constantFrom(250, 5_000),
  blockTimeoutMs: fc.constantFrom(500, 5_000),
  progressIntervalMs: fc.constantFrom(500, 10_000),
  batch: fc.record({ frames: fc.constantFrom(1, 2, 100) }),
};
const retention = fc.oneof(
  fc.constant(false as const),
  fc.record(
    {
      messages: fc.constantFrom(1, 3, 10, 100),
      bytes: fc.constantFrom(50, 1_000),
      ageMs: fc.constantFrom(900),
    },
    { requiredKeys: [] },
  ),
);
const topicOptions = { ...subscriberOptions, retention, lingerMs: fc.constantFrom(0, 5) };
const optional = { requiredKeys: [] };
const config = fc
  .record(
    {
      ...topicOptions,
      topics: fc.dictionary(fc.constantFrom("a.*", "a.x", "b"), fc.record(topicOptions, optional), {
        maxKeys: 2,
        noNullPrototype: true,
      }),
      classes: fc.record(
        {
          gold: fc.record(
            { ...subscriberOptions, match: fc.constantFrom({ clientName: "g*" }, { clientName: "*1" }) },
            optional,
          ),
        },
        optional,
      ),
      maxTopics: fc.constantFrom(2, 100),
      massSlowShare: fc.constantFrom(0.5, 1),
      flush: fc.record({ batches: fc.constantFrom(1, 200) }),
    },
    optional,
  )
  .map((value) => value as HubConfig);

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      publish: fc.nat(2),
      key: fc.nat(3),
      size: fc.nat(40),
      times: fc.integer({ min: 1, max: 6 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ turn: fc.constant(true) }) },
  { weight: 3, arbitrary: fc.record({ shut: fc.nat(5) }) },
  { weight: 3, arbitrary: fc.record({ open: fc.nat(5) }) },
  { weight: 3, arbitrary: fc.record({ release: fc.nat(5) }) },
  { weight: 3, arbitrary: fc.record({ advance: fc.constantFrom(100, 300, 2_000) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      subscribe: fc.constantFrom(...PATTERNS),
      wish: fc.record({ overflow, queue: bounds, clientName: fc.constantFrom("g1", "h1", "h2") }, optional),
      remote: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ reconfigure: config }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;
type Subscribing = Extract<Step, { subscribe: string }>;

/** One subscriber, and what is known of it. */
class Reader {
  readonly pattern: string;
  readonly sink = new ValveSink();
  readonly subscription: Subscription;
  /** At some time a policy that drops was in force, or could have been. */
  mayDrop = false;
  #conflated = false;
  #frames = 0;
  #last = 0;
  readonly #seen = new Set<number>();
  told = { overflow: 0, expired: 0 };

  constructor(hub: Hub, { subscribe, wish, remote }: Subscribing) {
    this.pattern = subscribe;
    this.subscription = hub.attach({ patterns: [subscribe], ...wish }, this.sink, remote ? {} : undefined);
    this.observe();
  }

  get stats(): SubscriptionStats {
    return this.subscription.stats();
  }

  /** Between two steps. */
  observe(): void {
    const { stats } = this;
    if (DROPPING.has(stats.overflow)) this.mayDrop = true;
    if (stats.overflow === "conflate") this.#conflated = true;
    assertBalanced(this.subscription);
    if (!this.mayDrop) assert.equal(stats.dropped.overflow, 0, `nothing is dropped under ${stats.overflow}`);
    if (DROPPING.has(stats.overflow) && stats.state !== "ended") {
      const { messages, bytes } = stats.capacity;
      assert.ok(stats.queued <= messages && stats.queuedBytes <= bytes, "within the bounds of now");
    }
    for (; this.#frames < this.sink.frames.length; this.#frames++)
      this.#read(this.sink.frames[this.#frames]!);
  }

  #read(frame: ValveSink["frames"][number]): void {
    if (frame.kind === "message") {
      assert.ok(naiveMatch(this.pattern, frame.topic), "it is for this subscriber");
      assert.ok(!this.#seen.has(frame.offset), `${frame.offset} came twice`);
      if (!this.#conflated) assert.ok(frame.offset > this.#last, `${frame.offset} after ${this.#last}`);
      this.#seen.add(frame.offset);
      this.#last = Math.max(this.#last, frame.offset);
    } else if (frame.kind === "gap" && frame.reason !== "trimmed") {
      assert.ok(frame.reason === "overflow" || frame.reason === "expired" || frame.reason === "oversize");
      assert.notEqual(frame.count, undefined);
      if (frame.reason !== "oversize") this.told[frame.reason] += frame.count ?? 0;
    }
  }
}

class World {
  readonly clock = new ManualClock();
  readonly hub: Hub;
  readonly readers: Reader[] = [];
  readonly errors: unknown[] = [];

  readonly #changes: { accepted: number; refused: number };

  constructor(first: HubConfig, changes: { accepted: number; refused: number }) {
    this.#changes = changes;
    this.hub = new Hub({ ...first, clock: this.clock, onError: (error) => void this.errors.push(error) });
  }

  run(step: Step): void {
    if ("publish" in step) {
      const topic = TOPICS[step.publish]!;
      for (let count = 0; count < step.times; count++) {
        this.hub.publish(topic, Buffer.alloc(step.size), { key: `${step.key}` });
      }
    } else if ("turn" in step) this.clock.turn();
    else if ("advance" in step) this.clock.advance(step.advance);
    else if ("shut" in step) this.#sink(step.shut, (sink) => sink.shutValve());
    else if ("open" in step) this.#sink(step.open, (sink) => sink.openValve());
    else if ("release" in step) this.#sink(step.release, (sink) => sink.release());
    else if ("reconfigure" in step) this.#reconfigure(step.reconfigure);
    else this.#subscribe(step);
    for (const reader of this.readers) reader.observe();
  }

  #sink(index: number, act: (sink: ValveSink) => void): void {
    const reader = this.readers[index % Math.max(1, this.readers.length)];
    if (reader !== undefined) act(reader.sink);
  }

  #subscribe(step: Subscribing): void {
    try {
      this.readers.push(new Reader(this.hub, step));
    } catch (error) {
      const { code } = error as { code?: string };
      assert.ok(code === "NOT_ALLOWED" || code === "REQUEST_INVALID", String(error));
    }
  }

  #reconfigure(next: HubConfig): void {
    const before = this.#picture();
    if (hubConfigProblems(next).length === 0) {
      const counted = this.readers.map(({ stats }) => stats);
      this.hub.reconfigure(next);
      this.#changes.accepted++;
      for (const [index, { stats, subscription }] of this.readers.entries()) {
        if (DROPPING.has(stats.overflow)) this.readers[index]!.mayDrop = true;
        assert.equal(stats.matched, counted[index]!.matched, "a change matches nothing");
        assert.equal(subscription.state === "ended", counted[index]!.state === "ended", "it ends nobody");
      }
    } else {
      this.#changes.refused++;
      assert.throws(() => this.hub.reconfigure(next), { name: "TypeError" });
      assert.equal(this.#picture(), before, "what is refused changes nothing");
    }
  }

  #picture(): string {
    return JSON.stringify(this.readers.map(({ subscription }) => [subscription.stats(), subscription.grant]));
  }

  async finish(): Promise<void> {
    for (const { sink } of this.readers) sink.openValve();
    this.clock.advance(60_000);
    for (const reader of this.readers) {
      reader.observe();
      const { stats, told } = reader;
      if (stats.state === "ended") continue;
      assert.equal(stats.state, "live", "whoever reads on is live in the end");
      assert.deepEqual([stats.queued, stats.inFlight, stats.discardedAtClose], [0, 0, 0]);
      assert.equal(told.overflow, stats.dropped.overflow, "every message dropped was told");
      assert.equal(told.expired, stats.expired, "every message expired was told");
    }
    const closed = this.hub.close({ drainTimeoutMs: 0 });
    this.clock.settle();
    await closed;
    for (const { subscription } of this.readers) assertBalanced(subscription);
    const { subscriptions, queued, queuedBytes, inFlight } = this.hub.stats();
    assert.deepEqual(
      [Object.values(subscriptions).some(Boolean), queued, queuedBytes, inFlight],
      [false, 0, 0, 0],
    );
    assert.deepEqual(this.errors, []);
    assert.deepEqual(contractFaults, []);
  }
}

describe("options that change while messages flow", () => {
  it("lose nothing that the policy did not say, change nothing when refused, and keep the books balanced", async () => {
    const changes = { accepted: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(
        config.filter((first) => hubConfigProblems(first).length === 0),
        fc.array(step, { minLength: 5, maxLength: 60, size: "max" }),
        async (first, steps) => {
          const world = new World(first, changes);
          for (const each of steps) world.run(each);
          await world.finish();
        },
      ),
      runs(400),
    );
    assert.ok(changes.accepted > 0 && changes.refused > 0, "there were changes of both kinds");
  });
});
