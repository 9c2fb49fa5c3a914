import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { TopicTable } from "../../src/fanout/topic-table.ts";
import { checkPattern, checkTopic, SpillwayError } from "../../src/index.ts";
import { handHub } from "../support/engine.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { runs } from "../support/property.ts";
import { ValveSink } from "../support/valve-sink.ts";

failOnLeaks();

const tokens = (count: number) => Array.from({ length: count }, () => "t").join(".");

const goodTopics = [
  "a",
  "a.b",
  "prices.EURUSD",
  "__proto__",
  "constructor.toString",
  "ä.é.🦆",
  "a-b_c:1",
  tokens(32),
  "x".repeat(256),
];
const badTopics = [
  "",
  ".",
  "a.",
  ".a",
  "a..b",
  "a b",
  "a\tb",
  "a\nb",
  "a\u00a0b",
  "\ufeffa",
  "a\0b",
  "\u0007",
  "\ud800",
  "a.\udc00.b",
  "x".repeat(257),
  "x".repeat(1_000_000),
  tokens(33),
];
const wildcards = ["*", ">", "a.*", "a.>", "*.b", "*.*", "*.>"];
const badWildcards = ["a.>.b", ">.a", "a*", "*a.b", "a.b>", "**", ">>", "a.*>"];
const noStrings = [undefined, null, 7, {}, ["a"], Symbol("a")];

describe("topic names", () => {
  it("are dot-separated tokens of printable text", () => {
    for (const name of goodTopics) {
      checkTopic(name);
      checkPattern(name);
    }
    for (const name of badTopics) {
      assert.throws(() => checkTopic(name), { code: "TOPIC_INVALID", field: "topic" });
      assert.throws(() => checkPattern(name), { code: "PATTERN_INVALID", field: "patterns" });
    }
  });

  it("have wildcards in patterns only, each a whole token, > last", () => {
    for (const name of wildcards) {
      checkPattern(name);
      assert.throws(() => checkTopic(name), {
        code: "TOPIC_INVALID",
        message: /wildcards are for patterns only$/,
      });
    }
    for (const name of badWildcards) {
      assert.throws(() => checkPattern(name), { code: "PATTERN_INVALID", message: /wildcard/ });
    }
  });

  it("that are no strings are refused in the same way", () => {
    for (const name of noStrings as string[]) {
      assert.throws(() => checkTopic(name), { code: "TOPIC_INVALID", message: /it must be a string, not / });
      assert.throws(() => checkPattern(name), {
        code: "PATTERN_INVALID",
        message: /it must be a string, not /,
      });
    }
  });

  it("are quoted short, on one line and well-formed in the refusal, whatever came", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 400, size: "max" }), (name) => {
        try {
          checkPattern(name);
        } catch (error) {
          assert.ok(error instanceof SpillwayError);
          assert.ok(error.message.length < 700 && error.message.isWellFormed());
          assert.ok(![...error.message].some((character) => character < " "));
        }
      }),
      runs(300),
    );
  });

  it("of any kind reach no prototype: a topic is only ever itself", () => {
    const { hub, clock } = handHub();
    const sink = new ValveSink();
    hub.attach({ patterns: ["__proto__", "constructor.*"] }, sink);
    assert.equal(hub.topicStats("__proto__"), undefined);
    for (const name of ["__proto__", "constructor.prototype", "toString"])
      hub.publish(name, "", { key: "__proto__" });
    clock.turn();
    assert.equal(String(sink), "started 1 2");
    assert.equal(hub.topicStats("toString")?.published, 1);
  });

  it("that are wrong publish nothing and subscribe nobody", () => {
    const { hub } = handHub();
    for (const name of badTopics) {
      assert.throws(() => hub.publish(name, ""), { code: "TOPIC_INVALID" });
      assert.throws(() => hub.attach({ patterns: ["ok", name] }, new ValveSink()), {
        code: "PATTERN_INVALID",
      });
      assert.throws(() => hub.subscribe(name), { code: "PATTERN_INVALID" });
    }
    const { published, topics, subscriptions, position } = hub.stats();
    assert.deepEqual([published, topics, subscriptions.live, position.offset], [0, 0, 0, 0]);
  });
});

describe("the topic table", () => {
  it("never holds more topics than its bound, and keeps those used last", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 20 }),
        fc.array(fc.nat(40), { maxLength: 300, size: "max" }),
        (most, uses) => {
          const table = new TopicTable<never>(most, () => ({ retention: undefined, lingerMs: 0 }));
          const recent: string[] = [];
          for (const use of uses) {
            const name = `t${use}`;
            const topic = table.use(name);
            assert.equal(topic.name, name);
            assert.equal(table.find(name), topic);
            assert.ok(table.size <= most, `${table.size} topics`);
            if (recent.includes(name)) recent.splice(recent.indexOf(name), 1);
            recent.unshift(name);
            for (const kept of recent.slice(0, Math.floor(most / 2)))
              assert.ok(table.find(kept) !== undefined, kept);
            assert.equal(new Set([...table]).size, table.size, "each is held once");
          }
        },
      ),
      runs(200),
    );
  });

  it("keeps to a bound that was changed, and those used last, whatever was in which generation", () => {
    const step = fc.oneof(
      { weight: 20, arbitrary: fc.record({ use: fc.nat(60) }) },
      { weight: 1, arbitrary: fc.record({ most: fc.integer({ min: 2, max: 50 }) }) },
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 50 }),
        fc.array(step, { maxLength: 300, size: "max" }),
        (first, steps) => {
          const table = new TopicTable<never>(first, () => ({ retention: undefined, lingerMs: 0 }));
          let most = first;
          let offset = 0;
          /** Of those used last, so many must be there: a smaller bound forgets, and a larger one brings nothing back. */
          let sure = 0;
          let recent: string[] = [];
          for (const step of steps) {
            if ("most" in step) {
              most = step.most;
              table.reconfigure(most);
            } else {
              const name = `t${step.use}`;
              table.use(name).lastOffset = ++offset;
              const used = recent.indexOf(name);
              if (used < 0 || used >= sure) sure++;
              recent = [name, ...recent.filter((other) => other !== name)];
            }
            sure = Math.min(sure, Math.floor(most / 2), recent.length);
            assert.ok(table.size <= most, `${table.size} topics of ${most}`);
            for (const kept of recent.slice(0, sure)) assert.ok(table.find(kept) !== undefined, kept);
            for (const lost of recent.filter((name) => table.find(name) === undefined))
              assert.ok(recent.indexOf(lost) >= sure && table.forgottenThrough > 0);
            assert.equal(new Set([...table]).size, table.size, "each is held once");
          }
        },
      ),
      runs(300),
    );
  });

  it("does not go over a smaller bound with the topics that come after it", () => {
    const table = new TopicTable<never>(100, () => ({ retention: undefined, lingerMs: 0 }));
    let offset = 0;
    const use = (from: number, to: number) => {
      for (let name = from; name <= to; name++) table.use(`t${name}`).lastOffset = ++offset;
    };
    use(1, 50);
    // The first to come into its generation, and used last.
    use(1, 1);
    table.reconfigure(50);
    assert.equal(table.size, 50);
    use(51, 74);
    assert.ok(table.size <= 50, `${table.size} topics`);
    assert.ok(table.find("t1") !== undefined);
  });

  it("forgets statistics and the previous offset of old topics under a flood of names, and nothing else", () => {
    const { hub, clock } = handHub({ maxTopics: 10, queue: { messages: 5_000 } });
    const sink = new ValveSink();
    hub.attach({ patterns: ["first", "flood.42"] }, sink);
    hub.publish("first", "");
    hub.publish("first", "");
    for (let name = 0; name < 1_000; name++) hub.publish(`flood.${name}`, "");
    assert.ok(hub.stats().topics <= 10);
    assert.equal(hub.topicStats("first"), undefined);
    hub.publish("first", "");
    clock.turn();
    const links = sink.frames.flatMap((frame) =>
      frame.kind === "message" ? [[frame.offset, frame.previousOffset]] : [],
    );
    assert.deepEqual(links, [
      [1, 0],
      [2, 1],
      [45, 0],
      [1_003, 0],
    ]);
  });
});
