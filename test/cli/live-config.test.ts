/** What becomes of a configuration that changes while a server runs, without a server. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Command } from "commander";
import { type Logger, pino } from "pino";
import { parse } from "yaml";
import { changesBetween } from "../../src/cli/config-changes.ts";
import { sourcesOf } from "../../src/cli/config-sources.ts";
import { LiveConfig } from "../../src/cli/live-config.ts";
import { addServeFlags, configOf } from "../../src/cli/serve-flags.ts";
import { type LoadedConfig, loadConfig, type SpillwayConfig } from "../../src/config/index.ts";
import { Hub } from "../../src/fanout/index.ts";
import { failOnLeaks } from "../support/leaks.ts";

failOnLeaks();

const load = (code: SpillwayConfig): Promise<LoadedConfig> => loadConfig({ code });

describe("what differs between two configurations", () => {
  const changes = (before: SpillwayConfig, after: SpillwayConfig) =>
    changesBetween(before, after).map(({ text }) => text);

  test("is each value, in the words of the file", () => {
    assert.deepEqual(
      changes(
        { hub: { queue: { messages: 10 }, topics: { "a.>": { lingerMs: 5 }, b: { overflow: "conflate" } } } },
        {
          hub: {
            queue: { messages: 20, bytes: 2 ** 20 },
            escalation: [{ when: { lagMs: 2_000 }, policy: "conflate" }],
            topics: { "a.>": { lingerMs: 5 }, "c.*": { retention: { latestPerKey: true } } },
          },
          server: { endGraceMs: 60_000 },
        },
      ).toSorted(),
      [
        "hub.escalation: [ { when: { stalledFor: 1m }, policy: evict } ] -> [ { when: { lag: 2s }, policy: conflate } ]",
        "hub.queue.messages: 10 -> 20",
        "hub.topics.b.overflow: conflate -> unset",
        'hub.topics."c.*".retention.latestPerKey: unset -> true',
        "server.endGrace: 2s -> 1m",
        "server.fanout.endGrace: 2s -> 1m",
        "server.longlived.endGrace: 2s -> 1m",
      ].toSorted(),
    );
  });

  test("is nothing where a default is written out", () => {
    assert.deepEqual(changes({}, { hub: { overflow: "drop-oldest", queue: { messages: 1024 } } }), []);
  });
});

/** A hub with this configuration, and the lines that were logged. */
async function scene(code: SpillwayConfig) {
  const lines: Record<string, unknown>[] = [];
  const logger: Logger = pino(
    { level: code.log?.level ?? "info" },
    { write: (line) => lines.push(JSON.parse(line)) },
  );
  const hub = new Hub(code.hub);
  return { hub, logger, lines, live: new LiveConfig(hub, logger, await load(code)) };
}

describe("a configuration that is put in force", () => {
  test("is the hub's from then on, and what an operator is shown", async () => {
    const { hub, live } = await scene({ hub: { overflow: "conflate" } });
    assert.equal(parse(live.text()).hub.overflow, "conflate");
    live.adopt(await load({ hub: { overflow: "evict" } }));
    assert.equal(parse(live.text()).hub.overflow, "evict");
    const subscription = hub.subscribe("a");
    assert.equal(subscription.stats().overflow, "evict");
    await hub.close({ drainTimeoutMs: 0 });
  });

  test("tells of another level at the one that lets it", async () => {
    const { live, lines, logger } = await scene({ log: { level: "warn" } });
    live.adopt(await load({ log: { level: "error" } }));
    assert.deepEqual([lines.length, logger.level], [0, "error"]);
    live.adopt(await load({ log: { level: "debug" } }));
    assert.deepEqual(lines[0]?.changes, ["log.level: error -> debug"]);
    assert.deepEqual([lines.length, logger.level], [1, "debug"]);
    live.adopt(await load({ log: { level: "fatal" } }));
    assert.deepEqual([lines.length, logger.level], [2, "fatal"]);
  });

  test("is compared with what is in force, not with what was refused", async () => {
    const { live } = await scene({ hub: { queue: { messages: 10 } } });
    const refused = await load({ hub: { queue: { messages: 20 } }, server: { drainTimeoutMs: 1 } });
    assert.throws(() => live.adopt(refused), /restart/);
    assert.equal(parse(live.text()).hub.queue.messages, 10);
    live.adopt(await load({ hub: { queue: { messages: 20 } } }));
    assert.equal(parse(live.text()).hub.queue.messages, 20);
  });

  test("that the hub refuses after all leaves the old one in force, and is told with the error", async () => {
    const { hub, live, lines } = await scene({ hub: { queue: { messages: 10 } } });
    await hub.close();
    const other = await load({ hub: { queue: { messages: 20 } }, log: { level: "silent" } });
    assert.throws(() => live.adopt(other), { code: "CLOSED" });
    assert.equal(parse(live.text()).hub.queue.messages, 10);
    live.reject(new Error("the hub is closed"));
    const [line] = lines as { level: number; msg: string; err: { message: string } }[];
    assert.deepEqual(
      [line?.level, line?.msg, line?.err.message],
      [50, "the configuration could not be changed: it stays as it was", "the hub is closed"],
    );
  });
});

describe("the flags", () => {
  test("say nothing that was not said", () => {
    assert.deepEqual(configOf({}), {});
    assert.deepEqual(configOf({ demo: true, config: "x" }), {});
  });

  test("say it by the names of the configuration", async () => {
    const config = configOf({
      listen: "[::1]:7",
      metrics: "127.0.0.1:9",
      admin: true,
      reflection: true,
      logLevel: "debug",
      preset: "telemetry",
      overflow: "conflate",
      allowBlock: true,
      retain: 5,
      retainBytes: 7,
      retainLatest: ["a.*"],
      queueMessages: 2,
      queueBytes: 4,
    });
    assert.deepEqual(config, {
      server: { listen: "[::1]:7" },
      hub: {
        preset: "telemetry",
        overflow: "conflate",
        allowedOverflow: ["drop-oldest", "drop-newest", "conflate", "park", "block", "evict"],
        queue: { messages: 2, bytes: 4 },
        retention: { messages: 5, bytes: 7 },
        topics: { "a.*": { retention: { latestPerKey: true } } },
      },
      metrics: { listen: "127.0.0.1:9" },
      admin: { enabled: true, reflection: true },
      log: { level: "debug" },
    });
    // Every name is known.
    assert.deepEqual((await load(config)).config, config);
  });

  test("ask for reflection without the admin service, and say so in the help", async () => {
    const config = configOf({ reflection: true });
    assert.deepEqual(config, { admin: { reflection: true } });
    assert.deepEqual((await load(config)).config, config);
    const reflection = addServeFlags(new Command()).options.find(({ long }) => long === "--reflection");
    assert.match(reflection?.description ?? "", /with or without --admin/);
  });

  test("turn retention off with 0", () => {
    assert.deepEqual(configOf({ retain: 0, retainBytes: 5 }), { hub: { retention: false } });
  });
});

describe("without a file, what is retained", () => {
  const retention = async (flags: SpillwayConfig, environment: Record<string, string> = {}) =>
    (await sourcesOf(undefined, flags, environment).load()).config.hub?.retention;

  test("is a default, unless a flag, a variable or a preset says otherwise", async () => {
    assert.deepEqual(await retention({}), { messages: 1024, bytes: 1_048_576 });
    assert.deepEqual(await retention({ hub: { preset: "live-state" } }), {
      messages: 1024,
      bytes: 1_048_576,
    });
    assert.equal(await retention({ hub: { retention: false } }), false);
    assert.equal(await retention({}, { SPILLWAY_HUB_RETENTION: "false" }), false);
    assert.deepEqual(await retention({}, { SPILLWAY_HUB_RETENTION_MESSAGES: "7" }), { messages: 7 });
    assert.equal(await retention({ hub: { preset: "audit-log" } }), undefined);
    assert.equal(await retention({}, { SPILLWAY_HUB_PRESET: "audit-log" }), undefined);
  });

  test("is found wrong with the rest, not before it", async () => {
    await assert.rejects(
      () => retention({}, { SPILLWAY_HUB_PRESET: "toString", SPILLWAY_HUB_QUEUE_BYTES: "x" }),
      ({ problems }: { problems: unknown[] }) => problems.length === 2,
    );
  });
});
