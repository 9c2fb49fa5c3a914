import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type ExplainedValue,
  effectiveConfig,
  explainConfig,
  toldApart,
  type Whom,
  worstCaseMemory,
} from "../../src/config/index.ts";
import { Hub } from "../../src/fanout/index.ts";
import { load } from "./sources.ts";

const text = `
hub:
  preset: event-feed
  queue: { messages: 2048 }
  retention: { messages: 5000 }
  topics:
    "prices.>": { preset: live-state, queue: { messages: 256 }, linger: 5ms }
    "prices.fx": { maxAge: 1m, retention: { latestPerKey: true } }
    "bulk": { maxQueue: { bytes: 512KiB } }
  classes:
    gold: { match: { labels: { tier: gold } }, priority: 5, escalation: [], maxQueue: { messages: 100 } }
`;
const environment = { SPILLWAY_HUB_QUEUE_BYTES: "2MiB", SPILLWAY_SERVER_FANOUT: "false" };

async function explained(whom: Whom): Promise<Map<string, string>> {
  const loaded = await load(text, {
    environment,
    code: { hub: { maxTopics: 500 }, server: { endGraceMs: 1_000 } },
  });
  const { subscriber, topic, common } = explainConfig(loaded, whom);
  const lines = (values: readonly ExplainedValue[], prefix: string) =>
    values.map(({ option, value, origin }) => [`${prefix}${option}`, `${value} <- ${origin}`] as const);
  return new Map([...lines(subscriber, ""), ...lines(topic, "topic "), ...lines(common, "")]);
}

describe("an explanation", () => {
  it("says what counts for everybody, by level and preset and source", async () => {
    const counts = await explained({ patterns: [] });
    assert.equal(counts.get("overflow"), "drop-oldest <- hub.preset = event-feed (spillway.yaml:3:3)");
    assert.equal(counts.get("queue.messages"), "2048 <- hub.queue.messages (spillway.yaml:4:12)");
    assert.equal(counts.get("queue.bytes"), "2MiB <- hub.queue.bytes (SPILLWAY_HUB_QUEUE_BYTES)");
    assert.equal(counts.get("maxAge"), "forever <- default");
    assert.equal(
      counts.get("escalation"),
      "[ { when: { stalledFor: 1m }, policy: evict } ] <- hub.preset = event-feed (spillway.yaml:3:3)",
    );
    assert.equal(counts.get("linger"), "as the topic says <- default");
    assert.equal(counts.get("topic linger"), "0 <- default");
    assert.equal(
      counts.get("topic retention"),
      "{ messages: 5000, bytes: 1MiB, age: forever } <- hub.retention (spillway.yaml:5:3)",
    );
    assert.equal(counts.get("hub.maxTopics"), "500 <- hub.maxTopics (code)");
    assert.equal(counts.get("server.fanout"), "false <- server.fanout (SPILLWAY_SERVER_FANOUT)");
    assert.equal(counts.has("server.fanout.endGrace"), false);
    assert.equal(counts.get("server.longlived.topic"), "longlived <- default");
    assert.equal(counts.get("server.longlived.endGrace"), "1s <- server.endGrace (code)");
    assert.equal(counts.get("metrics.listen"), "none <- default");
  });

  it("takes the most specific pattern first, and what each says before its preset", async () => {
    const counts = await explained({ patterns: ["prices.fx"] });
    assert.equal(counts.get("maxAge"), '1m <- hub.topics."prices.fx".maxAge (spillway.yaml:8:20)');
    assert.equal(
      counts.get("overflow"),
      'conflate <- hub.topics."prices.>".preset = live-state (spillway.yaml:7:19)',
    );
    assert.equal(
      counts.get("queue.messages"),
      '256 <- hub.topics."prices.>".queue.messages (spillway.yaml:7:48)',
    );
    assert.equal(counts.get("topic linger"), '5ms <- hub.topics."prices.>".linger (spillway.yaml:7:65)');
    assert.equal(
      counts.get("topic retention"),
      '{ latestPerKey: true, keys: 10000, tombstoneAge: 1h } <- hub.topics."prices.fx".retention (spillway.yaml:8:32)',
    );
  });

  it("takes only patterns that cover all that somebody subscribes to", async () => {
    const counts = await explained({ patterns: ["prices.fx", "bulk"] });
    assert.equal(counts.get("overflow"), "drop-oldest <- hub.preset = event-feed (spillway.yaml:3:3)");
  });

  it("takes the class before everything else, and cuts a queue to what the class may have", async () => {
    const counts = await explained({ patterns: ["prices.fx"], className: "gold" });
    assert.equal(counts.get("priority"), "5 <- hub.classes.gold.priority (spillway.yaml:11:48)");
    assert.equal(counts.get("escalation"), "[] <- hub.classes.gold.escalation (spillway.yaml:11:61)");
    assert.equal(
      counts.get("queue.messages"),
      "100 <- hub.classes.gold.maxQueue.messages (spillway.yaml:11:89)",
    );
    assert.equal(
      counts.get("overflow"),
      'conflate <- hub.topics."prices.>".preset = live-state (spillway.yaml:7:19)',
    );
  });

  it("is of classes that there are, and of patterns", async () => {
    const loaded = await load(text);
    assert.throws(() => explainConfig(loaded, { patterns: [], className: "gould" }), {
      name: "RangeError",
      message: 'expected a class of the configuration, got "gould": did you mean gold?',
    });
    assert.throws(() => explainConfig(loaded, { patterns: ["a..b"] }), { code: "PATTERN_INVALID" });
    assert.throws(
      () => explainConfig({ ...loaded, config: {} }, { patterns: [], className: "a" }),
      /has none/,
    );
  });

  it("can be asked for everybody that the configuration tells apart", async () => {
    const { config } = await load(text);
    assert.deepEqual(
      toldApart(config).map(({ patterns, className }) => [...patterns, className]),
      [
        [undefined],
        ["gold"],
        ["prices.>", undefined],
        ["prices.>", "gold"],
        ["prices.fx", undefined],
        ["prices.fx", "gold"],
        ["bulk", undefined],
        ["bulk", "gold"],
      ],
    );
  });

  it("is what a subscriber is told that it was granted", async () => {
    const { config } = await load(text, { environment });
    const counts = await explained({ patterns: ["prices.fx"] });
    const reader = new Hub(config.hub).subscribe("prices.fx");
    const { value: started } = await reader[Symbol.asyncIterator]().next();
    assert.ok(started?.kind === "started");
    assert.ok(counts.get("overflow")?.startsWith(`${started.overflow} `));
    assert.ok(counts.get("queue.messages")?.startsWith(`${started.queue.messages} `));
    reader.close();
  });
});

describe("the effective configuration", () => {
  it("has every value, in the names and units of the file, with presets written out", async () => {
    const { config } = await load(text, { environment });
    const { server, hub, metrics, admin, log } = effectiveConfig(config) as Readonly<
      Record<string, Readonly<Record<string, unknown>> | undefined>
    >;
    const topics = hub?.topics as Readonly<Record<string, unknown>>;
    assert.equal(server?.listen, "127.0.0.1:7070");
    assert.equal(server?.fanout, false);
    assert.deepEqual(hub?.queue, { messages: 2048, bytes: "2MiB" });
    assert.equal(hub?.preset, "event-feed");
    assert.equal(hub?.stallTimeout, "5s");
    assert.deepEqual(hub?.retention, { messages: 5000, bytes: "1MiB", age: "forever" });
    assert.deepEqual(topics["prices.>"], {
      preset: "live-state",
      overflow: "conflate",
      escalation: [{ when: { stalledFor: "1m" }, policy: "evict" }],
      queue: { messages: 256 },
      linger: "5ms",
    });
    assert.deepEqual(
      [metrics, admin, log],
      [undefined, { enabled: false, reflection: false }, { level: "info" }],
    );
  });

  it("of nothing is the defaults", () => {
    const { hub } = effectiveConfig({}) as { hub: Record<string, unknown> };
    assert.equal(hub.overflow, "drop-oldest");
    assert.deepEqual([hub.topics, hub.classes, hub.retention], [{}, {}, false]);
  });
});

describe("the memory at worst", () => {
  const small = { messages: 10, bytes: 1_000 };

  it("is what queue, batch and subscription come to, times as many as there may be", () => {
    const { subscribers, total } = worstCaseMemory({
      hub: {
        queue: small,
        maxQueue: { messages: 20, bytes: 4_000 },
        batch: { frames: 1, bytes: 500 },
        maxMessageBytes: 800,
        maxSubscriptions: 3,
      },
    });
    // A subscription, 10 places and messages with their bytes twice, and one message in flight with its buffer.
    const standard = 13_000 + 10 * 16 + (10 * 829 + 2 * 1_000) + (829 + 2 * 800) + 800;
    const most = 13_000 + 20 * 16 + (20 * 829 + 2 * 4_000) + (829 + 2 * 800) + 800;
    assert.deepEqual(subscribers, [{ patterns: [], className: undefined, standard, most }]);
    assert.equal(total.standard, 3 * standard);
    assert.equal(total.most, 3 * most);
    assert.equal(total.shared, 3 * (13_000 + 10 * 16) + (10 * 829 + 2 * 1_000) + (829 + 2 * 800) + 800);
    assert.equal(total.retained, 0);
  });

  it("counts no message in flight that is larger than the queue takes", () => {
    const of = (maxMessageBytes: number) =>
      worstCaseMemory({ hub: { queue: small, batch: { frames: 1, bytes: 500 }, maxMessageBytes } })
        .subscribers[0]?.standard;
    assert.equal(of(1_000), of(1_000_000));
    assert.notEqual(of(999), of(1_000));
  });

  it("counts what topics retain: named ones once, the others as often as there may be topics", () => {
    const one = (bytes: number, messages = 1) => ({ retention: { messages, bytes } });
    const { topics, total } = worstCaseMemory({
      hub: {
        maxTopics: 10,
        topics: { "a.>": one(1_000), b: one(50_000), c: one(10), d: { retention: false } },
      },
    });
    const size = (bytes: number) => 829 + 2 * bytes;
    assert.deepEqual(topics, [
      { pattern: undefined, retained: 0 },
      { pattern: "a.>", retained: size(1_000) },
      { pattern: "b", retained: size(50_000) },
      { pattern: "c", retained: size(10) },
      { pattern: "d", retained: 0 },
    ]);
    assert.equal(total.retained, size(50_000) + 9 * size(1_000));
  });

  it("takes every key of a compacted topic to have the largest message", () => {
    const { topics } = worstCaseMemory({
      hub: { maxMessageBytes: 100, topics: { a: { retention: { latestPerKey: true, keys: 7 } } } },
    });
    assert.equal(topics[1]?.retained, 7 * (829 + 2 * 100));
  });

  it("says what the figures take for granted", () => {
    const { notes } = worstCaseMemory({});
    assert.ok(notes.some((note) => note.includes("Not counted")));
    assert.ok(notes.some((note) => note.includes("is held once")));
  });
});
