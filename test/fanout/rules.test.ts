import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { compareSpecificity, covers, intersection } from "../../src/fanout/levels.ts";
import {
  Hub,
  type HubConfig,
  type HubOptions,
  hubConfigProblems,
  type SubscribeRequest,
} from "../../src/index.ts";
import { handHub } from "../support/engine.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { runs } from "../support/property.ts";
import { ValveSink } from "../support/valve-sink.ts";
import { naiveMatch } from "./plain-subscription.ts";

failOnLeaks();

const token = fc.constantFrom("a", "b", "*");
const pattern = fc
  .tuple(fc.array(token, { minLength: 1, maxLength: 3 }), fc.boolean())
  .map(([tokens, open]) => [...tokens, ...(open ? [">"] : [])].join("."));
/** Every topic that these patterns can tell apart, and longer ones. */
const topics = ["a", "b", "c"].flatMap((one) => [
  one,
  ...["a", "b", "c"].flatMap((two) => [
    `${one}.${two}`,
    ...["a", "b", "c"].flatMap((three) => [
      `${one}.${two}.${three}`,
      ...["a", "b", "c"].flatMap((four) => [
        `${one}.${two}.${three}.${four}`,
        `${one}.${two}.${three}.${four}.a`,
      ]),
    ]),
  ]),
]);

describe("patterns of options", () => {
  it("cover another pattern just when they match every topic that it matches", () => {
    fc.assert(
      fc.property(pattern, pattern, (wide, narrow) => {
        const matched = topics.filter((topic) => naiveMatch(narrow, topic));
        const all = matched.every((topic) => naiveMatch(wide, topic));
        assert.equal(covers(wide.split("."), narrow.split(".")), all);
      }),
      runs(1_000),
    );
  });

  it("have in common just the topics of the pattern that stands for both", () => {
    fc.assert(
      fc.property(pattern, pattern, (one, other) => {
        const both = intersection(one, other);
        for (const topic of topics) {
          const expected = naiveMatch(one, topic) && naiveMatch(other, topic);
          assert.equal(both !== undefined && naiveMatch(both, topic), expected, topic);
        }
      }),
      runs(1_000),
    );
  });

  it("that match the same topic are of an order without ties, and one that covers another comes behind it", () => {
    fc.assert(
      fc.property(pattern, pattern, (one, other) => {
        if (one === other) return;
        if (covers(one.split("."), other.split("."))) assert.ok(compareSpecificity(other, one) < 0);
        assert.equal(
          Math.sign(compareSpecificity(one, other)) + Math.sign(compareSpecificity(other, one)),
          0,
        );
        const both = topics.some((topic) => naiveMatch(one, topic) && naiveMatch(other, topic));
        if (both) assert.notEqual(compareSpecificity(one, other), 0);
      }),
      runs(1_000),
    );
  });
});

/** What a remote subscriber gets. */
function grantOf(options: HubOptions, request: Partial<SubscribeRequest>, access = {}) {
  const { hub } = handHub(options);
  const subscription = hub.attach({ patterns: ["a.b"], ...request }, new ValveSink(), access);
  return subscription.grant;
}

describe("what counts for a subscription", () => {
  const options: HubOptions = {
    queue: { messages: 100, bytes: 10_000 },
    watermarks: { high: 0.9 },
    topics: {
      ">": { queue: { messages: 90 }, recoveryMs: 1 },
      "a.>": { preset: "telemetry", queue: { messages: 80 } },
      "a.*": { overflow: "drop-newest" },
    },
    classes: {
      gold: { match: { clientName: "g*d" }, queue: { messages: 70 }, priority: 5, lingerMs: 7 },
      silver: { match: { labels: { tier: "s*", zone: "eu" } }, overflow: "evict" },
      known: { match: { identity: "team-*" }, maxAgeMs: 1_000 },
      named: { recoveryMs: 3 },
    },
  };

  it("is taken value by value from the most specific pattern that says it", () => {
    const { settings, overflow, queue } = grantOf(options, {});
    assert.equal(overflow, "drop-newest", "of a.*");
    assert.equal(queue.messages, 80, "of a.>, which says it before its preset does");
    assert.equal(queue.bytes, 262_144, "of the preset of a.>, which counts before the hub");
    assert.equal(settings.escalation.length, 2, "of the preset as well");
    assert.equal(settings.recoveryMs, 1, "of >");
    assert.deepEqual(settings.watermarks, { high: 0.9, low: 0.5 }, "of the hub, and of nobody");
  });

  it("counts a pattern only if it covers all that is subscribed to", () => {
    assert.equal(grantOf(options, { patterns: ["a.b", "b"] }).queue.messages, 90);
    assert.equal(grantOf(options, { patterns: ["a.>"] }).overflow, "drop-oldest", "a.* does not cover a.>");
    assert.equal(grantOf(options, { patterns: ["a.>"] }).queue.messages, 80);
  });

  it("is taken from its class first: by name, by labels, by identity, in the order of the options", () => {
    const gold = grantOf(options, { clientName: "gold" });
    assert.deepEqual([gold.class, gold.queue.messages, gold.priority, gold.lingerMs], ["gold", 70, 5, 7]);
    assert.equal(gold.overflow, "drop-newest", "where the class says nothing, the topic does");
    const silver = grantOf(options, { labels: { tier: "sterling", zone: "eu", more: "x" } });
    assert.deepEqual([silver.class, silver.overflow], ["silver", "evict"]);
    assert.equal(grantOf(options, { labels: { tier: "sterling" } }).class, undefined, "a label is missing");
    assert.equal(grantOf(options, {}, { identity: "team-1" }).maxAgeMs, 1_000);
    assert.equal(grantOf(options, { clientName: "gold" }, { identity: "team-1" }).class, "gold", "the first");
  });

  it("lets authorize name the class, whoever the caller says it is, and whether or not it has options", () => {
    const named = grantOf(options, { clientName: "gold" }, { class: "named" });
    assert.deepEqual([named.class, named.settings.recoveryMs], ["named", 3]);
    const unknown = grantOf(options, { clientName: "gold" }, { class: "bronze" });
    assert.deepEqual([unknown.class, unknown.queue.messages], ["bronze", 80]);
  });

  it("does not take a label for one that every object has, nor a name with a prefix and a suffix that overlap", () => {
    const odd: HubOptions = {
      classes: { odd: { match: { labels: { toString: "*" } } }, aba: { match: { clientName: "ab*ba" } } },
    };
    assert.equal(grantOf(odd, {}).class, undefined);
    assert.equal(grantOf(odd, { clientName: "aba" }).class, undefined);
    assert.equal(grantOf(odd, { clientName: "abba" }).class, "aba");
  });

  it("bounds what a remote subscriber asks for, says what it bounded, and takes code of the process at its word", () => {
    const bounds: HubOptions = { maxQueue: { messages: 50 }, queue: { messages: 10 }, maxAgeMs: 1_000 };
    const wish = { queue: { messages: 60, bytes: 5 }, maxAgeMs: 2_000 };
    const remote = grantOf(bounds, wish);
    assert.deepEqual([remote.queue.messages, remote.queue.bytes, remote.maxAgeMs], [50, 5, 1_000]);
    assert.deepEqual(remote.bounded, ["queue.messages", "max_age_ms"]);
    assert.deepEqual(grantOf(bounds, { maxAgeMs: 500 }).bounded, []);
    const { hub } = handHub(bounds);
    const local = hub.attach({ patterns: ["a"], ...wish }, new ValveSink()).grant;
    assert.deepEqual([local.queue.messages, local.maxAgeMs, local.bounded], [60, 2_000, []]);
  });

  it("is one object for all that are treated alike", () => {
    const { hub } = handHub(options);
    const [one, two, other] = ["a.b", "a.c", "b"].map(
      (name) => hub.attach({ patterns: [name] }, new ValveSink()).grant.settings,
    );
    assert.equal(one, two);
    assert.notEqual(one, other);
  });
});

describe("what counts for a topic", () => {
  it("is taken value by value, and a more specific pattern may retain nothing", () => {
    const { hub, clock } = handHub({
      retention: { messages: 2 },
      topics: {
        "a.>": { retention: { messages: 1 } },
        "a.none": { retention: false },
        "a.keyed": { retention: { latestPerKey: true } },
      },
    });
    for (const topic of ["a.x", "a.none", "b"])
      for (let count = 0; count < 3; count++) hub.publish(topic, "");
    for (let count = 0; count < 3; count++) hub.publish("a.keyed", "", { key: "k" });
    const retained = (topic: string) => {
      const sink = new ValveSink();
      hub.attach({ patterns: [topic], start: "oldest" }, sink);
      clock.settle();
      return sink.offsets.length;
    };
    assert.deepEqual(["a.x", "a.none", "a.keyed", "b"].map(retained), [1, 0, 1, 2]);
  });
});

describe("options that contradict themselves", () => {
  const cases: readonly (readonly [config: HubConfig, path: string, message: RegExp])[] = [
    [
      { watermarks: { high: 0.4 } },
      "watermarks.high",
      /low watermark of at most the high one, got low 0.5 and high 0.4/,
    ],
    [{ watermarks: { high: 0.4, low: 0.6 } }, "watermarks.low", /low 0.6 and high 0.4/],
    [{ topics: { a: { watermarks: { low: 0.8 } } } }, "topics.a.watermarks.low", /low 0.8 and high 0.75/],
    [
      { queue: { messages: 9 }, maxQueue: { messages: 8 } },
      "queue.messages",
      /at most maxQueue, which is 8 messages, got 9/,
    ],
    [{ overflow: "park" }, "overflow", /nothing is retained: set the option retention/],
    [
      { retention: {}, topics: { a: { overflow: "park", retention: false } } },
      "topics.a.overflow",
      /retention for the topics a/,
    ],
    [{ classes: { c: { preset: "audit-log" } } }, "classes.c.preset", /nothing is retained/],
    [{ escalation: [{ when: { lagMs: 1 }, policy: "park" }] }, "escalation.0.policy", /nothing is retained/],
    [{ overflow: "park", retention: { messages: 100 } }, "overflow", /which retains 100 messages, got 1024/],
    [
      { overflow: "park", retention: {}, queue: { bytes: 2 ** 21 } },
      "queue.bytes",
      /retains 1048576 bytes, got 2097152/,
    ],
    [
      {
        escalation: [
          { when: { lagMs: 5_000 }, policy: "conflate" },
          { when: { lagMs: 2_000 }, policy: "evict" },
        ],
      },
      "escalation.0",
      /rung 2 \(lagMs 2000: evict\) already holds whenever rung 1 \(lagMs 5000: conflate\) does/,
    ],
  ];
  for (const [config, path, message] of cases) {
    it(`are refused: ${JSON.stringify(config)}`, () => {
      const problems = hubConfigProblems(config);
      assert.deepEqual(
        problems.map((problem) => problem.path.join(".")),
        [path],
      );
      assert.match(problems[0]!.message, message);
      assert.throws(() => new Hub(config), { name: "TypeError", message });
    });
  }

  it("are told all at once, each once, however many levels it shows in", () => {
    const problems = hubConfigProblems({
      overflow: "park",
      watermarks: { low: 0.9 },
      topics: { a: { lingerMs: 1 }, b: { watermarks: { high: 0.8 } } },
      classes: { c: { match: { clientName: "x" } } },
    });
    assert.deepEqual(
      problems.map(({ path }) => path.join(".")).sort(),
      ["overflow", "overflow", "overflow", "topics.b.watermarks.high", "watermarks.low"],
      "nothing is retained for the hub, for a, and for b",
    );
  });

  it("are seen where two patterns overlap of which neither covers the other", () => {
    const problems = hubConfigProblems({
      topics: { "a.*": { watermarks: { high: 0.6 } }, "*.b": { watermarks: { low: 0.7 } } },
    });
    assert.deepEqual(
      problems.map(({ path }) => path.join(".")),
      ["topics.a.*.watermarks.high"],
      "alone, each is within the default of the other",
    );
  });

  it("are not seen where one level only allows less than what another says for all", () => {
    assert.deepEqual(
      hubConfigProblems({ queue: { messages: 9 }, classes: { c: { maxQueue: { messages: 8 } } } }),
      [],
    );
    assert.deepEqual(hubConfigProblems({ maxQueue: { messages: 8 } }), []);
    assert.deepEqual(hubConfigProblems({ overflow: "park", topics: { a: { retention: {} } } }), []);
    assert.deepEqual(
      hubConfigProblems({ overflow: "park", topics: { a: { retention: { latestPerKey: true, keys: 1 } } } }),
      [],
    );
  });

  for (const preset of ["live-state", "event-feed", "audit-log", "telemetry"] as const) {
    it(`are not what the preset ${preset} is`, () => {
      assert.deepEqual(hubConfigProblems({ preset }), []);
      if (preset !== "audit-log") assert.deepEqual(hubConfigProblems({ classes: { c: { preset } } }), []);
      assert.deepEqual(hubConfigProblems({ topics: { a: { preset } } }), []);
    });
  }
});

const wrong: readonly (readonly [given: unknown, error: RegExp])[] = [
  [{ topics: [] }, /^TypeError: topics must be an object/],
  [{ topics: { "a..b": {} } }, /no token between the dots may be empty/],
  [
    { topics: { a: { queue: { messages: 0 } } } },
    /^RangeError: topics\.a\.queue\.messages must be a whole number of at least 1, got 0$/,
  ],
  [
    { topics: { "a.>": { priority: 1 } } },
    /^TypeError: unknown topics\["a\.>"\] option "priority"; known are preset/,
  ],
  [{ classes: { "1": {} } }, /expected a name that begins with a letter/],
  [{ classes: { c: { retention: {} } } }, /unknown classes\.c option "retention"/],
  [
    { classes: { c: { match: { clientName: 5, labels: { clientName: "x" } } } } },
    /expected text for clientName, got 5/,
  ],
  [{ classes: { c: { match: { labels: {} } } } }, /match\.labels must give at least one label/],
  [{ retention: null }, /retention must be false or the bounds of a log, got null/],
  [
    { classes: { c: { match: {} } } },
    /classes\.c\.match must give at least one of clientName, labels and identity/,
  ],
  [{ classes: { c: { match: { clientName: 5 } } } }, /expected text for clientName, got 5/],
  [{ classes: { c: { priority: Number.NaN } } }, /classes\.c\.priority must be a number, got NaN/],
  [
    { preset: "liveState" },
    /preset must be one of live-state, event-feed, audit-log, telemetry, got liveState/,
  ],
  [{ allowedOverflow: [] }, /allowedOverflow must be a list of at least one overflow policy/],
  [{ retention: { messages: 1, keys: 2 } }, /unknown retention option "keys"/],
  [{ retention: { latestPerKey: false } }, /retention\.latestPerKey must be true or left out/],
  [{ maxAgeMs: 0 }, /maxAgeMs must be above 0, got 0/],
  [{ watermarks: { low: 0 } }, /watermarks\.low must be a share above 0 and up to 1, got 0/],
  [{ escalation: { when: {} } }, /escalation must be a list of rungs/],
  [
    { escalation: [{ when: { lagMs: 1 }, policy: "evict", after: 1 }] },
    /unknown escalation\[0\] option "after"/,
  ],
];

describe("wrong options by topic and class", () => {
  for (const [given, error] of wrong) {
    it(`are refused: ${JSON.stringify(given)}`, () => {
      assert.throws(
        () => new Hub(given as HubOptions),
        (thrown) => {
          assert.match(String(thrown), error);
          return true;
        },
      );
    });
  }
});
