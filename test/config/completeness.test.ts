/** Every data option in code can be said in the file, and the other way round; defaults are those of `defaults.ts`. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { z } from "zod";
import { loadConfig } from "../../src/config/index.ts";
import { codeName, kindOf } from "../../src/config/kinds.ts";
import { OPTIONS } from "../../src/config/options.ts";
import { hubSchema } from "../../src/config/schema/hub.ts";
import { configSchema } from "../../src/config/schema/index.ts";
import { classSchema, topicSchema } from "../../src/config/schema/subscribers.ts";
import { STANDARD, standardAt } from "../../src/config/standard.ts";
import { section } from "../../src/config/structures.ts";
import { duration, oneOf, share } from "../../src/config/values.ts";
import {
  HUB_DEFAULTS,
  OPERATIONS_DEFAULTS,
  SERVER_DEFAULTS,
  SUBSCRIBER_DEFAULTS,
} from "../../src/defaults.ts";
import {
  explainOptions,
  HUB_CONFIG_NAMES,
  Hub,
  type HubConfig,
  type Watermarks,
} from "../../src/fanout/index.ts";
import { TOPIC_OPTION_NAMES } from "../../src/fanout/levels.ts";
import { resolveHubOptions } from "../../src/fanout/options.ts";
import { serve } from "../../src/transport/grpc/index.ts";

function codeNames(schema: z.ZodType): string[] {
  const kind = kindOf(schema);
  assert.ok(kind.is === "section");
  return Object.entries(kind.shape).map(([name, part]) => codeName(name, part));
}

/** What it says is unknown, of a hub that is given it. */
function whatHubKnows(given: object): string {
  try {
    void new Hub(given);
    return "nothing refused";
  } catch (error) {
    return String(error);
  }
}

describe("the schema", () => {
  it("has every data option of a hub, and no other", () => {
    assert.deepEqual(codeNames(hubSchema).sort(), Object.keys(HUB_CONFIG_NAMES).sort());
    assert.deepEqual(codeNames(topicSchema).sort(), Object.keys(TOPIC_OPTION_NAMES).sort());
  });

  it("has every option of a class, and no other: so a hub that is given one more says", () => {
    const refused = whatHubKnows({ classes: { a: { zzz: 1 } } });
    const [, known = ""] = /known are (.*)$/.exec(refused) ?? [];
    assert.deepEqual(codeNames(classSchema).sort(), known.split(", ").sort(), refused);
  });

  it("has the fields of every option, and no other: so a hub that is given one more says", () => {
    const level = {
      queue: {},
      maxQueue: {},
      watermarks: {},
      batch: {},
      flush: {},
      historyLoads: {},
      retention: {},
    };
    for (const name of Object.keys(level)) {
      const refused = whatHubKnows({ [name]: { zzz: 1 } });
      const [, known = ""] = /known are (.*)$/.exec(refused) ?? [];
      const kind = kindOf(hubSchema);
      assert.ok(kind.is === "section");
      const part = kind.shape[name]!;
      const partKind = kindOf(part);
      const inside = partKind.is === "choice" ? partKind.options[1]! : part;
      assert.deepEqual(codeNames(inside).sort(), known.split(", ").sort(), `${name}: ${refused}`);
    }
  });

  it("does not compile without an option that code has, with one that it has not, or of another type", () => {
    const high = share("");
    const low = share("");
    // @ts-expect-error: low is missing.
    section<Watermarks>({ high }, "");
    // @ts-expect-error: there is no middle.
    section<Watermarks>({ high, low, middle: low }, "");
    // @ts-expect-error: a time is called without its unit.
    section<{ waitMs?: number }>({ waitMs: duration("") }, "");
    // @ts-expect-error: a name is no number.
    section<{ most?: number }>({ most: oneOf(["a"], "") }, "");
    // And so it does.
    section<Watermarks>({ high, low }, "");
    section<{ waitMs?: number }>({ wait: duration("") }, "");
  });

  it("has a sentence for people beside every option", () => {
    const walk = (schema: z.ZodType, path: string): void => {
      assert.match(schema.description ?? "", /^\S.*[.]$/, path);
      const kind = kindOf(schema);
      if (kind.is === "section")
        for (const [name, part] of Object.entries(kind.shape)) walk(part, `${path}.${name}`);
      if (kind.is === "map") walk(kind.value, `${path}.*`);
      if (kind.is === "list") walk(kind.item, `${path}[]`);
      if (kind.is === "choice") for (const part of kind.options) walk(part, path);
    };
    walk(configSchema, "");
  });
});

describe("what is loaded", () => {
  it("is taken by a hub and a server as it is", async () => {
    const { config } = await loadConfig({
      environment: {
        SPILLWAY_SERVER_LISTEN: "127.0.0.1:0",
        SPILLWAY_SERVER_END_GRACE: "0",
        SPILLWAY_SERVER_FANOUT_BATCHING: "off",
        SPILLWAY_SERVER_CHANNEL_OPTIONS_GRPC_MAX_CONCURRENT_STREAMS: "5",
        SPILLWAY_HUB_PRESET: "telemetry",
      },
    });
    await using server = await serve(new Hub(config.hub), config.server);
    assert.ok(server.port > 0);
  });
});

describe("the defaults", () => {
  it("can all be said, and come out as they went in", async () => {
    assert.deepEqual((await loadConfig({ code: STANDARD })).config, STANDARD);
  });

  it("are those of defaults.ts, by the names of the file", () => {
    assert.equal(standardAt(["hub", "queue", "bytes"]), "1MiB");
    assert.equal(standardAt(["hub", "stallTimeout"]), `${SUBSCRIBER_DEFAULTS.stallTimeoutMs / 1_000}s`);
    assert.equal(standardAt(["hub", "maxAge"]), "forever");
    assert.equal(standardAt(["server", "listen"]), SERVER_DEFAULTS.listen);
    assert.equal(standardAt(["log", "level"]), OPERATIONS_DEFAULTS.log.level);
    assert.equal(standardAt(["hub", "historyLoads", "concurrency"]), HUB_DEFAULTS.historyLoads.concurrency);
  });

  it("are there for every option but those that are off, or follow another", () => {
    const without = OPTIONS.filter(({ path }) => standardAt(path) === undefined).map(({ path }) =>
      path.join("."),
    );
    assert.deepEqual(
      without.filter(
        (name) => !name.startsWith("server.channelOptions.") && !name.startsWith("hub.retention."),
      ),
      [
        "server.fanout",
        "server.fanout.endGrace",
        "server.fanout.batching",
        "server.longlived.endGrace",
        "server.longlived.batching",
        "hub.preset",
        "metrics.listen",
      ],
    );
  });

  it("are in code what they are in a file: a hub that is told them is as one that is told nothing", () => {
    const told = STANDARD.hub ?? {};
    const values = (config: HubConfig) => {
      const { subscriber, topic } = explainOptions(config, ["a"], undefined);
      const { rules: _, epoch: __, ...others } = resolveHubOptions(config);
      return [[...subscriber, ...topic].map(({ path, value }) => [path, value]), others];
    };
    assert.deepEqual(values(told), values({}));
  });
});
