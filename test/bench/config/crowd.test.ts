import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { crowdFor, groupsFor } from "../../../bench/scenarios/config/crowd.ts";
import { patternOf, plainTopic, topicFor } from "../../../bench/scenarios/config/feeds.ts";
import { believe, guiseFor, headersOf } from "../../../bench/scenarios/config/guises.ts";
import { type ClassMatch, checkTopic, Hub } from "../../../src/fanout/index.ts";
import { ValveSink } from "../../support/valve-sink.ts";

const name = fc.stringMatching(/^[a-z]{1,4}$/);
const pattern = fc
  .tuple(fc.array(fc.oneof(name, fc.constant("*")), { minLength: 1, maxLength: 3 }), fc.boolean())
  .map(([tokens, open]) => [...tokens, ...(open ? [">"] : [])].join("."));

describe("the topics of a comparison", () => {
  it("are such that each pattern has one that it matches", () => {
    fc.assert(
      fc.property(pattern, (one) => {
        const topic = topicFor(one);
        checkTopic(topic);
        assert.equal(patternOf([one], topic), one);
      }),
    );
  });

  it("tell patterns apart that overlap", () => {
    const patterns = ["prices.>", "prices.*", "prices.EURUSD"];
    for (const one of patterns) assert.equal(patternOf(patterns, topicFor(one)), one);
  });

  it("have one that no pattern matches, where there can be one", () => {
    fc.assert(
      fc.property(fc.array(pattern, { maxLength: 4 }), (patterns) => {
        const topic = plainTopic(patterns);
        if (topic !== undefined) assert.equal(patternOf(patterns, topic), undefined);
      }),
    );
    assert.equal(plainTopic(["prices.>"]), "bench");
    assert.equal(plainTopic(["*"]), "bench.feed");
    assert.equal(plainTopic([">"]), undefined);
  });
});

describe("the guise of a client", () => {
  const text = fc.stringMatching(/^[a-z*]{1,5}$/);
  const match: fc.Arbitrary<ClassMatch> = fc
    .record(
      { clientName: text, identity: text, labels: fc.dictionary(name, text, { minKeys: 1, maxKeys: 3 }) },
      { requiredKeys: [] },
    )
    .filter((given) => Object.keys(given).length > 0);

  it("makes it one of the class, whatever that asks for", async () => {
    await fc.assert(
      fc.asyncProperty(fc.option(match, { nil: undefined }), async (wanted) => {
        const hub = new Hub({
          classes: { them: wanted === undefined ? {} : { match: wanted } },
          authorize: believe,
        });
        const guise = guiseFor("them", wanted);
        const access = await hub.authorize({ action: "subscribe", topics: ["a"], headers: headersOf(guise) });
        const { clientName, labels } = guise;
        const subscription = hub.attach({ patterns: ["a"], clientName, labels }, new ValveSink(), access);
        assert.equal(subscription.stats().class, "them");
        await hub.close({ drainTimeoutMs: 0 });
      }),
      { numRuns: 50 },
    );
  });
});

describe("the crowd of a comparison", () => {
  it("has a group for no pattern and no class, for each pattern, and for each class", () => {
    const groups = groupsFor(
      [{ topics: { "prices.>": {} }, classes: { gold: { match: { clientName: "gold-*" } } } }],
      false,
    );
    assert.deepEqual(groups, [
      { name: "others", topic: "bench", guise: {} },
      { name: "prices.>", topic: "prices.bench.feed", guise: {} },
      { name: "gold", topic: "bench", guise: { clientName: "gold-bench" } },
    ]);
  });

  it("has what any of the configurations tells apart, once", () => {
    const gold = { match: { clientName: "gold-*" } };
    const names = groupsFor(
      [
        { topics: { a: {} }, classes: { gold } },
        { topics: { a: {}, b: {} }, classes: { gold, hooked: {} } },
        { classes: { gold: { match: { identity: "team-*" } } } },
      ],
      false,
    ).map((group) => group.name);
    assert.deepEqual(names, ["others", "a", "b", "gold", "hooked", "gold (2)"]);
  });

  it("puts classes on the first topic where a pattern matches all", () => {
    const groups = groupsFor([{ topics: { ">": {} }, classes: { hooked: {} } }], false);
    assert.deepEqual(
      groups.map((group) => [group.name, group.topic]),
      [
        [">", "bench.feed"],
        ["hooked", "bench.feed"],
      ],
    );
  });

  it("has every class on every topic when asked to", () => {
    const names = groupsFor([{ topics: { a: {} }, classes: { gold: {} } }], true).map((group) => group.name);
    assert.deepEqual(names, ["others", "a", "gold", "gold on a"]);
  });

  it("has clients of every kind in each group, and spreads the healthy ones", () => {
    const crowd = crowdFor([{ topics: { a: {}, b: {} } }], {
      subscribers: 7,
      slow: [50, 12.5],
      cross: false,
    });
    const kinds = crowd.kinds(200);
    assert.deepEqual(crowd.topics, ["bench", "a", "b"]);
    assert.equal(new Set(kinds.map(({ id }) => id)).size, kinds.length);
    assert.deepEqual(
      kinds.filter(({ group }) => group === "a"),
      [
        { id: "a/healthy", group: "a", name: "healthy", subscribers: 2 },
        { id: "a/slow 50 %", group: "a", name: "slow", subscribers: 1, readsPerSecond: 100 },
        { id: "a/slow 12.5 %", group: "a", name: "slow", subscribers: 1, readsPerSecond: 25 },
        { id: "a/frozen", group: "a", name: "frozen", subscribers: 1 },
        { id: "a/returning", group: "a", name: "returning", subscribers: 1 },
      ],
    );
  });
});
