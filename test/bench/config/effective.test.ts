import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { effectiveOptions, optionsFor } from "../../../bench/scenarios/config/effective.ts";
import { loadConfig, type SpillwayConfig } from "../../../src/config/index.ts";

const config: SpillwayConfig = {
  server: { listen: "127.0.0.1:1", keepaliveTimeMs: 1_000 },
  hub: {
    queue: { messages: 10 },
    topics: { "prices.>": { queue: { messages: 20 } } },
    classes: { gold: { overflow: "conflate" } },
  },
  log: { level: "warn" },
};

describe("a configuration as a list of options", () => {
  it("has each by its path, in the file's words, with every value filled in", () => {
    const options = effectiveOptions(config);
    assert.equal(options["hub.queue.messages"], "10");
    assert.equal(options["hub.queue.bytes"], "1MiB");
    assert.equal(options['hub.topics."prices.>".queue.messages'], "20");
    assert.equal(options["hub.classes.gold.overflow"], "conflate");
    assert.equal(options["server.keepaliveTime"], "1s");
    assert.match(options["hub.escalation"]!, /^\[.*stalledFor: 1m.*evict.*\]$/);
  });

  it("says what counts for some clients, without what is not measured", async () => {
    const loaded = await loadConfig({ code: config });
    const options = optionsFor(loaded, "prices.bench.feed", "gold");
    assert.equal(options["queue.messages"], "20");
    assert.equal(options.overflow, "conflate");
    assert.equal(options["server.keepaliveTime"], "1s");
    assert.equal(options["hub.maxTopics"], "100000");
    assert.ok(!("log.level" in options) && !("server.listen" in options));
    assert.equal(optionsFor(loaded, "bench", undefined)["queue.messages"], "10");
    // The hook may name a class that a file does not have.
    assert.equal(optionsFor(loaded, "bench", "another").overflow, "drop-oldest");
  });
});
