import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { InterestIndex, type Membership } from "../../src/fanout/interest-index.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { runs } from "../support/property.ts";
import { naiveMatch } from "./plain-subscription.ts";

failOnLeaks();

const token = fc.constantFrom("a", "b", "c", "__proto__", "constructor", "ä", "#", "+");
const topic = fc.array(token, { minLength: 1, maxLength: 4 }).map((tokens) => tokens.join("."));
const pattern = fc
  .tuple(fc.array(fc.oneof(token, fc.constant("*")), { minLength: 0, maxLength: 4 }), fc.boolean())
  .filter(([tokens, tail]) => tokens.length > 0 || tail)
  .map(([tokens, tail]) => [...tokens, ...(tail ? [">"] : [])].join("."));

/** Who gets a topic: each subscriber as often as it joined matching patterns. */
function matched(index: InterestIndex<number>, name: string): number[] {
  return index
    .match(name)
    .flatMap(({ subscribers }) => subscribers)
    .sort((a, b) => a - b);
}

describe("InterestIndex", () => {
  it("finds exactly those whose patterns match, while subscribers come and go", () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ kind: fc.constant("join" as const), pattern }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant("leave" as const), which: fc.nat() }) },
    );
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 60, size: "max" }),
        fc.uniqueArray(topic, { minLength: 1, maxLength: 10 }),
        (steps, topics) => {
          const index = new InterestIndex<number>();
          const joined: { subscriber: number; pattern: string; membership: Membership<number> }[] = [];
          const remembered = new Map(
            topics.map((name) => [name, { version: -1, interests: index.match(name) }]),
          );
          let subscriber = 0;
          for (const step of steps) {
            if (step.kind === "join") {
              const membership = index.join(step.pattern, ++subscriber);
              joined.push({ subscriber, pattern: step.pattern, membership });
            } else if (joined.length > 0) {
              const [gone] = joined.splice(step.which % joined.length, 1);
              index.leave(gone!.membership);
            }
            for (const name of topics) {
              const expected = joined
                .filter((one) => naiveMatch(one.pattern, name))
                .map((one) => one.subscriber);
              assert.deepEqual(matched(index, name), expected);
              // What a topic remembers is right for as long as the version stands.
              const memory = remembered.get(name)!;
              if (memory.version !== index.version) {
                memory.version = index.version;
                memory.interests = index.match(name);
              }
              const known = memory.interests.flatMap(({ subscribers }) => subscribers);
              assert.deepEqual(
                known.sort((a, b) => a - b),
                expected,
              );
            }
          }
        },
      ),
      runs(200),
    );
  });

  it("lists an interest once, however many subscribe to it, and keeps its version while they come and go", () => {
    const index = new InterestIndex<number>();
    const first = index.join("a.>", 1);
    const { version } = index;
    const others = [2, 3, 4].map((subscriber) => index.join("a.>", subscriber));
    index.leave(first);
    index.leave(others[1]!);
    assert.equal(index.version, version);
    assert.equal(index.match("a.b").length, 1);
    assert.deepEqual(matched(index, "a.b"), [2, 4]);
    for (const membership of [others[0]!, others[2]!]) index.leave(membership);
    assert.notEqual(index.version, version);
    assert.deepEqual(index.match("a.b"), []);
  });

  it("knows > as one token or more, never none", () => {
    const index = new InterestIndex<number>();
    index.join("a.>", 1);
    index.join(">", 2);
    index.join("a.*.>", 3);
    assert.deepEqual(matched(index, "a"), [2]);
    assert.deepEqual(matched(index, "a.b"), [1, 2]);
    assert.deepEqual(matched(index, "a.b.c"), [1, 2, 3]);
  });

  it("walks patterns and topics of the most tokens there may be", () => {
    const index = new InterestIndex<number>();
    const long = Array.from({ length: 32 }, () => "t");
    index.join([...long.slice(0, 31), ">"].join("."), 1);
    index.join(long.join("."), 2);
    index.join(long.map(() => "*").join("."), 3);
    assert.deepEqual(matched(index, long.join(".")), [1, 2, 3]);
    assert.deepEqual(matched(index, long.slice(1).join(".")), []);
  });
});
