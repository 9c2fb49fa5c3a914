/** The parts of the admin service that need no server. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Hub, type SubscriptionStats } from "../../../../src/fanout/index.ts";
import { healthOf, type Ranked, worstFirst } from "../../../../src/transport/grpc/admin/order.ts";
import { ratesBetween, readingOf } from "../../../../src/transport/grpc/admin/rates.ts";
import { selector } from "../../../../src/transport/grpc/admin/selection.ts";
import { ValveSink } from "../../../support/valve-sink.ts";

const plain = new Hub().attach({ patterns: ["a"] }, new ValveSink()).stats();
const statsOf = (some: Partial<SubscriptionStats>): SubscriptionStats => ({ ...plain, ...some });
const ranked = (some: Partial<SubscriptionStats>): Ranked => {
  const stats = statsOf(some);
  return { stats, health: healthOf(stats) };
};

describe("health", () => {
  test("is stalled while the write is, whatever else holds", () => {
    assert.equal(healthOf(statsOf({ delivery: "stalled", slow: true, state: "parked" })), "stalled");
  });

  test("is slow above the watermark, on a rung, and while parked", () => {
    assert.equal(healthOf(statsOf({ slow: true })), "slow");
    assert.equal(healthOf(statsOf({ rung: 1 })), "slow");
    assert.equal(healthOf(statsOf({ state: "parked" })), "slow");
  });

  test("is good otherwise, also while catching up, which is no slowness", () => {
    assert.equal(healthOf(statsOf({})), "good");
    assert.equal(healthOf(statsOf({ state: "catching-up", lagMs: 3_600_000 })), "good");
    assert.equal(healthOf(statsOf({ delivery: "writing", writeAgeMs: 4_000 })), "good");
  });
});

describe("the order", () => {
  test("puts stalled ones first, the oldest write before all, then slow ones and then the others by lag", () => {
    const worst = [
      { id: "a", delivery: "stalled", writeAgeMs: 9_000, lagMs: 1 },
      { id: "b", delivery: "stalled", writeAgeMs: 6_000, lagMs: 99_000 },
      { id: "c", slow: true, lagMs: 50 },
      { id: "d", rung: 1, lagMs: 40, queuedBytes: 2 },
      { id: "e", state: "parked", lagMs: 40, queuedBytes: 1 },
      // How old the write of one that moves is, is no reproach.
      { id: "f", delivery: "writing", writeAgeMs: 4_000, lagMs: 70 },
      { id: "g", lagMs: 60, queuedBytes: 0 },
      { id: "h", lagMs: 60, queuedBytes: 0 },
    ] as const satisfies Partial<SubscriptionStats>[];
    const shuffled = [...worst].reverse().map(ranked).sort(worstFirst);
    assert.deepEqual(
      shuffled.map(({ stats }) => stats.id),
      worst.map(({ id }) => id),
    );
  });

  test("is one: nobody is beside another, before itself, or before one that is before it", () => {
    const some = fc
      .record({
        id: fc.uuid(),
        delivery: fc.constantFrom("idle", "writing", "stalled" as const),
        slow: fc.boolean(),
        writeAgeMs: fc.option(fc.nat({ max: 2 }), { nil: undefined }),
        lagMs: fc.nat({ max: 2 }),
        queuedBytes: fc.nat({ max: 2 }),
      })
      .map(ranked);
    fc.assert(
      fc.property(some, some, some, (a, b, c) => {
        assert.equal(worstFirst(a, a), 0);
        if (a.stats.id !== b.stats.id) assert.ok(worstFirst(a, b) < 0 !== worstFirst(b, a) < 0);
        if (worstFirst(a, b) < 0 && worstFirst(b, c) < 0) assert.ok(worstFirst(a, c) < 0);
      }),
    );
  });
});

describe("a query for a pattern", () => {
  test("means the subscriptions of which there is a topic that matches both", () => {
    const token = fc.constantFrom("a", "b", "*");
    const patterns = fc
      .tuple(fc.array(token, { minLength: 1, maxLength: 3 }), fc.boolean())
      .map(([tokens, open]) => (open ? [...tokens.slice(1), ">"] : tokens).join("."));
    // With a third letter and one token more than the longest pattern, no topic that matters is missing.
    const letters = ["a", "b", "c"];
    const topics = [1, 2, 3, 4].flatMap((length) => wordsOf(letters, length));
    fc.assert(
      fc.property(patterns, patterns, (one, other) => {
        const both = topics.some((topic) => matches(one, topic) && matches(other, topic));
        const meant = selector({ topicPattern: one })(statsOf({ patterns: [other] }));
        assert.equal(meant, both, `${one} and ${other}`);
      }),
    );
  });
});

function wordsOf(letters: readonly string[], length: number): readonly string[][] {
  if (length === 0) return [[]];
  return wordsOf(letters, length - 1).flatMap((word) => letters.map((letter) => [...word, letter]));
}

function matches(pattern: string, topic: readonly string[]): boolean {
  const tokens = pattern.split(".");
  if (tokens.at(-1) === ">") {
    return (
      topic.length >= tokens.length &&
      matches(tokens.slice(0, -1).join("."), topic.slice(0, tokens.length - 1))
    );
  }
  // The empty pattern is what is left of ">".
  const wanted = pattern === "" ? [] : tokens;
  return (
    wanted.length === topic.length && wanted.every((token, index) => token === "*" || token === topic[index])
  );
}

describe("a query", () => {
  const stats = statsOf({ id: "0a1b", clientName: "dash-7", class: "gold", patterns: ["x", "prices.*"] });

  test("means those for which all holds that it gives", () => {
    for (const query of [
      {},
      { class: "gold" },
      { clientNamePrefix: "dash-" },
      { idPrefix: "0a" },
      { topicPattern: "prices.EURUSD" },
      { class: "gold", clientNamePrefix: "dash-7", idPrefix: "0a1b", topicPattern: ">" },
    ]) {
      assert.equal(selector(query)(stats), true, JSON.stringify(query));
    }
    for (const query of [
      { class: "gol" },
      { clientNamePrefix: "ash" },
      { idPrefix: "a1" },
      { topicPattern: "prices" },
      { class: "gold", idPrefix: "1" },
    ]) {
      assert.equal(selector(query)(stats), false, JSON.stringify(query));
    }
    const nameless = statsOf({ clientName: undefined, class: undefined });
    assert.equal(selector({ clientNamePrefix: "d" })(nameless), false);
    assert.equal(selector({ class: "gold" })(nameless), false);
  });

  test("with a pattern that is none is refused, with its field", () => {
    assert.throws(() => selector({ topicPattern: "a..b" }), {
      code: "PATTERN_INVALID",
      field: "topic_pattern",
    });
  });
});

describe("rates", () => {
  const books = (matched: number, delivered: number, lost: number, expired: number, conflated: number) =>
    statsOf({ matched, delivered, dropped: { ...plain.dropped, oversize: lost }, expired, conflated });

  test("are what happened in between, over the time that really passed", () => {
    const before = readingOf(books(100, 90, 5, 1, 4), 1_000);
    const after = readingOf(books(200, 140, 15, 11, 24), 3_000);
    assert.deepEqual(ratesBetween(before, after), {
      windowMs: 2_000,
      matched: 50,
      delivered: 25,
      lost: 10,
      conflated: 10,
    });
  });

  test("are numbers even if no time passed", () => {
    const reading = readingOf(books(1, 1, 0, 0, 0), 5);
    assert.deepEqual(Object.values(ratesBetween(reading, reading)), [1, 0, 0, 0, 0]);
  });
});
