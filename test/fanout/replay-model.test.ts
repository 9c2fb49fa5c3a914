import { describe, it } from "node:test";
import fc from "fast-check";
import { OVERFLOW_POLICIES } from "../../src/protocol/index.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { replay, runs } from "../support/property.ts";
import { type Reader, ReplayWorld, type RetentionRule, type Wish } from "./replay-world.ts";

failOnLeaks();

/** One step on the world, told in the words that a failure prints. */
class Step implements fc.Command<ReplayWorld, ReplayWorld> {
  readonly #told: string;
  readonly #run: (world: ReplayWorld) => void;

  constructor(told: string, run: (world: ReplayWorld) => void) {
    this.#told = told;
    this.#run = run;
  }

  check(): boolean {
    return true;
  }

  run(world: ReplayWorld): void {
    this.#run(world);
    world.check();
  }

  toString(): string {
    return this.#told;
  }
}

const topic = fc.constantFrom("a.x", "a.y", "b.x", "b", "kept");
const pattern = fc.constantFrom("a.x", "a.*", "*.x", "b.>", "b", "kept", "*", ">");
const key = fc.constantFrom(undefined, "k1", "k2", "k3", "k4");
// The queues below hold at most 40 bytes, so that some of these never fit.
const size = fc.integer({ min: 0, max: 42 });
const ttl = fc.option(fc.constantFrom(200, 1_000), { nil: undefined, freq: 8 });
const valve = fc.constantFrom("open" as const, "shut" as const, "prompt" as const);
const maybe = <T>(arbitrary: fc.Arbitrary<T>, one: number) =>
  fc.option(arbitrary, { nil: undefined, freq: one - 1 }).map((value) => value);

const ageMs = fc.constantFrom(Infinity, Infinity, 1_500, 12_000);
const sequential = (pattern: string) =>
  fc.record({
    pattern: fc.constant(pattern),
    messages: fc.constantFrom(1, 2, 3, 5, 8, 1_000),
    bytes: fc.constantFrom(30, 100, 100_000, 100_000),
    ageMs,
  });
const compacted = (pattern: string) =>
  fc.record({
    pattern: fc.constant(pattern),
    latestPerKey: fc.constant(true as const),
    keys: fc.constantFrom(1, 2, 3, 100),
    tombstoneAgeMs: fc.constantFrom(Infinity, 1_000, 12_000),
  });
const rules = (...patterns: string[]) =>
  fc.tuple(...patterns.map((each) => fc.oneof({ weight: 3, arbitrary: sequential(each) }, compacted(each))));
/** The topic `b` has no log in half of the worlds. */
const retention: fc.Arbitrary<readonly RetentionRule[]> = fc.oneof(
  rules("a.*", "b.x", "b", "kept"),
  fc.tuple(sequential("a.*"), sequential("b.x"), compacted("kept")),
  fc.tuple(sequential(">")),
);

const rung = fc.record({
  when: fc.oneof(
    fc.record({ fullForMs: fc.constantFrom(0, 500) }),
    fc.record({ lagMs: fc.constantFrom(500, 2_000) }),
    fc.record({ lagMessages: fc.constantFrom(1, 3) }),
    fc.record({ lagBytes: fc.constantFrom(10, 30) }),
    fc.record({ stalledForMs: fc.constantFrom(0, 1_500) }),
    fc.record({ lagMessages: fc.constantFrom(1, 2), lagMs: fc.constantFrom(250, 750) }),
  ),
  policy: fc.constantFrom("drop-oldest", "drop-newest", "conflate", "conflate", "park", "park", "evict"),
});

const wish = fc.record(
  {
    patterns: fc.uniqueArray(pattern, { minLength: 1, maxLength: 3 }),
    overflow: fc.constantFrom(...OVERFLOW_POLICIES, "park", "park"),
    queue: fc.record({ messages: fc.integer({ min: 1, max: 5 }), bytes: fc.integer({ min: 1, max: 40 }) }),
    batch: fc.record({ frames: fc.integer({ min: 1, max: 5 }), bytes: fc.integer({ min: 1, max: 400 }) }),
    valve: fc.oneof({ weight: 5, arbitrary: valve }, fc.constant("pulled" as const)),
    skipsEvery: fc.constantFrom(0, 0, 0, 2, 3),
    start: fc.oneof(
      fc.constantFrom("live" as const, "oldest" as const, "snapshot" as const),
      fc.record({ newest: fc.integer({ min: 1, max: 6 }) }),
      fc.record({ sinceMsAgo: fc.constantFrom(0, 250, 1_000, 5_000) }),
      fc.record({ share: fc.double({ min: 0, max: 1, noNaN: true }) }),
    ),
    maxAgeMs: maybe(fc.constantFrom(300, 1_200), 8),
    escalation: maybe(fc.array(rung, { minLength: 1, maxLength: 3 }), 3),
  },
  { noNullPrototype: true },
) as fc.Arbitrary<Wish>;

const who = fc.nat(7);
function onReader(told: string, run: (world: ReplayWorld, reader: Reader) => void): fc.Arbitrary<Step> {
  return who.map(
    (index) =>
      new Step(`${told}(${index})`, (world) => {
        const reader = world.reader(index);
        if (reader !== undefined) run(world, reader);
      }),
  );
}

const message = fc.tuple(topic, key, size, ttl, fc.constantFrom(false, false, false, false, true));
const publish = message.map(
  (given) => new Step(`publish(${given})`, (world) => void world.publish(...given)),
);
const burst = fc.array(message, { minLength: 2, maxLength: 12 }).map(
  (messages) =>
    new Step(`burst(${JSON.stringify(messages)})`, (world) => {
      for (const given of messages) world.publish(...given);
    }),
);
const time = fc.constantFrom(100, 250, 900, 2_500, 11_000);

const steps = [
  publish,
  publish,
  burst,
  burst,
  wish.map((given) => new Step(`subscribe(${JSON.stringify(given)})`, (world) => world.subscribe(given))),
  fc.constant(new Step("turn", (world) => world.clock.turn())),
  fc.constant(new Step("turn", (world) => world.clock.turn())),
  fc.tuple(who, valve).map(
    ([index, position]) =>
      new Step(`valve(${index}, ${position})`, (world) => {
        const reader = world.reader(index);
        if (reader !== undefined) world.setValve(reader, position);
      }),
  ),
  onReader("release", (_world, { sink }) => sink.release()),
  onReader("pull", (_world, { sink }) => {
    if (sink.pulled) sink.pull();
  }),
  onReader("comeBack", (world, reader) => world.comeBack(reader)),
  onReader("comeBack", (world, reader) => world.comeBack(reader)),
  onReader("drain", (_world, { real }) => real.drain()),
  fc.constant(
    new Step("echo", (world) => {
      world.echoes = 2;
    }),
  ),
  time.map((ms) => new Step(`advance(${ms})`, (world) => world.advance(ms))),
  time.map((ms) => new Step(`block(${ms})`, (world) => world.clock.block(ms))),
];

describe("replay, resume, park, block, expiry and escalation against plain logs", () => {
  it("lose nothing in silence, double nothing, and count right, whatever happens in whatever order", async () => {
    await fc.assert(
      fc.asyncProperty(
        retention,
        fc.constantFrom(100, 100, 100, 2, 4),
        fc.integer({ min: 1, max: 4 }),
        fc.array(wish, { minLength: 1, maxLength: 3 }),
        fc.commands(steps, { maxCommands: 60, size: "max", ...replay() }),
        async (rules, maxTopics, batches, first, commands) => {
          const world = new ReplayWorld({ retention: rules, maxTopics, flush: { batches } });
          for (const each of first) world.subscribe(each);
          try {
            fc.modelRun(() => ({ model: world, real: world }), commands);
            await world.finish();
          } catch (error) {
            throw new Error(`${error}\n${world}`, { cause: error });
          }
        },
      ),
      runs(1_500),
    );
  });
});
