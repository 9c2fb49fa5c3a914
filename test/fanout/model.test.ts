import { describe, it } from "node:test";
import fc from "fast-check";
import { OVERFLOW_POLICIES } from "../../src/protocol/index.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { replay, runs } from "../support/property.ts";
import { type Newcomer, type Pair, World } from "./world.ts";

failOnLeaks();

/** One step on the world, told in the words that a failure prints. */
class Step implements fc.Command<World, World> {
  readonly #told: string;
  readonly #run: (world: World) => void;

  constructor(told: string, run: (world: World) => void) {
    this.#told = told;
    this.#run = run;
  }

  check(): boolean {
    return true;
  }

  run(world: World): void {
    this.#run(world);
    world.check();
  }

  toString(): string {
    return this.#told;
  }
}

const topic = fc.constantFrom("a.x", "a.y", "b.x", "b");
const pattern = fc.constantFrom("a.x", "a.*", "*.x", "b.>", "b", "*", "a.>", ">");
const key = fc.constantFrom(undefined, undefined, "k1", "k2", "other");
// The queues below hold at most 40 bytes, so that some of these never fit.
const size = fc.integer({ min: 0, max: 45 });
const who = fc.nat(7);
const valve = fc.constantFrom("open" as const, "shut" as const, "prompt" as const);
const often = (arbitrary: fc.Arbitrary<number>) =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, arbitrary);

// Plain objects throughout: what is granted is compared with what was asked for, prototypes included.
const record = <T extends Record<string, unknown>>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(fields, { noNullPrototype: true }) as fc.Arbitrary<T>;

const newcomer: fc.Arbitrary<Newcomer> = record({
  patterns: fc.uniqueArray(pattern, { minLength: 1, maxLength: 3 }),
  // To park needs a log; see `replay-model.test.ts`.
  overflow: fc.constantFrom(...OVERFLOW_POLICIES.filter((policy) => policy !== "park")),
  // Few enough that the pending notices never collapse; that has tests of its own.
  queue: record({ messages: fc.integer({ min: 1, max: 4 }), bytes: fc.integer({ min: 1, max: 40 }) }),
  batch: record({ frames: fc.integer({ min: 1, max: 5 }), bytes: fc.integer({ min: 1, max: 400 }) }),
  valve: fc.oneof({ weight: 5, arbitrary: valve }, fc.constant("pulled" as const)),
  filter: fc.oneof(
    { weight: 4, arbitrary: fc.constant(undefined) },
    fc.constantFrom({ keys: ["k1"] }, { keyPrefixes: ["k"] }, { keys: ["other"], keyPrefixes: ["k2"] }),
  ),
  predicateThrowsEvery: often(fc.integer({ min: 1, max: 5 })),
  cannotRenderEvery: often(fc.integer({ min: 1, max: 5 })),
  resumeAt: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined, freq: 2 }),
});

function onPair(told: string, run: (world: World, pair: Pair) => void): fc.Arbitrary<Step> {
  return who.map(
    (index) =>
      new Step(`${told}(${index})`, (world) => {
        const pair = world.pair(index);
        if (pair !== undefined) run(world, pair);
      }),
  );
}

const publish = fc
  .tuple(topic, key, size)
  .map(
    ([name, identity, bytes]) =>
      new Step(`publish(${name}, ${identity}, ${bytes})`, (world) => world.publish(name, identity, bytes)),
  );
const burst = fc.array(fc.tuple(topic, key, size), { minLength: 2, maxLength: 12 }).map(
  (messages) =>
    new Step(`burst(${JSON.stringify(messages)})`, (world) => {
      for (const [name, identity, bytes] of messages) world.publish(name, identity, bytes);
    }),
);
const subscribe = newcomer.map(
  (wish) => new Step(`subscribe(${JSON.stringify(wish)})`, (world) => world.subscribe(wish)),
);
const setValve = fc.tuple(who, valve).map(
  ([index, position]) =>
    new Step(`valve(${index}, ${position})`, (world) => {
      const pair = world.pair(index);
      if (pair !== undefined) world.setValve(pair, position);
    }),
);
const time = fc.constantFrom(100, 250, 900, 2_500, 4_000);

const steps = [
  publish,
  publish,
  publish,
  burst,
  subscribe,
  setValve,
  fc.constant(new Step("turn", (world) => world.turn())),
  fc.constant(new Step("turn", (world) => world.turn())),
  onPair("release", (world, pair) => world.release(pair)),
  onPair("pull", (_world, { sink }) => {
    if (sink.pulled) sink.pull();
  }),
  onPair("confirmAgain", (_world, { sink }) => {
    if (!sink.outstanding) sink.confirmAgain();
  }),
  onPair("unsubscribe", (world, pair) => world.unsubscribe(pair)),
  onPair("sinkCloses", (world, pair) => world.sinkCloses(pair)),
  onPair("slam", (_world, pair) => {
    pair.slams = true;
  }),
  time.map((ms) => new Step(`advance(${ms})`, (world) => world.advance(ms))),
  time.map((ms) => new Step(`block(${ms})`, (world) => world.block(ms))),
  time.map((ms) => new Step(`close(${ms})`, (world) => world.close(ms))),
];

describe("the engine against plain arrays", () => {
  it("keeps every promise after every step, whatever happens in whatever order", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(newcomer, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 4 }),
        fc.commands(steps, { maxCommands: 60, size: "max", ...replay() }),
        async (first, flushBatches, commands) => {
          const world = new World(flushBatches);
          for (const wish of first) world.subscribe(wish);
          fc.modelRun(() => ({ model: world, real: world }), commands);
          await world.finish();
        },
      ),
      runs(2_500),
    );
  });
});
