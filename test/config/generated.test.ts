/** What is made from the schema: the file of defaults, the JSON Schema, and the page of documentation. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import { parse } from "yaml";
import { configurationReference, defaultsFile, jsonSchema } from "../../src/config/index.ts";
import { OPTIONS, variableOf } from "../../src/config/options.ts";
import { STANDARD, standardAt } from "../../src/config/standard.ts";
import { load } from "./sources.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const isValid = new Ajv2020({ strict: true }).compile(jsonSchema());

function accepts(value: unknown): void {
  assert.ok(isValid(value), JSON.stringify(isValid.errors));
}

describe("the file of defaults", () => {
  it("says what counts anyway: read again it is the defaults, and nothing is missing", async () => {
    const { config } = await load(defaultsFile());
    const { topics: _, classes: __, ...hub } = STANDARD.hub ?? {};
    const { fanout: ___, ...server } = STANDARD.server ?? {};
    assert.deepEqual(config, { ...STANDARD, hub, server });
    accepts(parse(defaultsFile()));
  });

  it("has every option, said or in a comment", () => {
    const file = defaultsFile();
    const missing = OPTIONS.map(({ path }) => path.at(-1) ?? "").filter(
      (name) => !new RegExp(`^ *(# +)?${name.replaceAll(".", "\\.")}:`, "m").test(file),
    );
    assert.deepEqual([...new Set(missing)].sort(), [
      // Of channelOptions two stand for all; the second form of retention, and what a server's own services have, are
      // in the page.
      "grpc-node.max_session_memory",
      "grpc.enable_channelz",
      "grpc.max_connection_age_grace_ms",
      "grpc.max_connection_idle_ms",
      "grpc.max_receive_message_length",
      "grpc.max_send_message_length",
      "tombstoneAge",
    ]);
  });

  it("has examples that are right when their comment signs are taken away, each and all", async () => {
    const examples = defaultsFile().match(/example:\n( *# .*\n)+/g) ?? [];
    assert.ok(examples.length >= 8, `${examples.length}`);
    let all = defaultsFile();
    for (const example of examples) {
      const bare = example.replace(/^example:\n/, "").replace(/^( *)# /gm, "$1");
      const one = withExample(defaultsFile(), example, bare);
      all = withExample(all, example, bare);
      await load(one);
      accepts(parse(one));
    }
    const { config } = await load(all);
    accepts(parse(all));
    assert.equal(config.hub?.preset, "event-feed");
    assert.deepEqual(Object.keys(config.hub?.topics ?? {}), ["prices.>", "orders.*"]);
    assert.deepEqual(Object.keys(config.hub?.classes ?? {}), ["dashboards", "partners"]);
    assert.equal(config.metrics?.listen, "127.0.0.1:9464");
  });

  it("fits on a screen", () => {
    for (const line of defaultsFile().split("\n")) assert.ok(line.length <= 100, line);
  });
});

/** In place of the comment, and of a default that stands before it. */
function withExample(file: string, example: string, bare: string): string {
  const before = file.slice(0, file.indexOf(example));
  const rest = file.slice(file.indexOf(example) + example.length);
  const instead = /\n.*\n *# Instead, for $/.exec(before);
  return `${before.slice(0, instead?.index)}\n${bare}${rest}`;
}

describe("the JSON Schema", () => {
  it("is the one that is shipped", () => {
    const shipped = readFileSync(join(root, "config.schema.json"), "utf8");
    assert.equal(shipped, `${JSON.stringify(jsonSchema(), null, 2)}\n`, "npm run docs");
    const { exports, files } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    assert.equal(exports["./config.schema.json"], "./config.schema.json");
    assert.ok(files.includes("config.schema.json"));
  });

  it("takes what is right", () => {
    for (const right of [
      {},
      { $schema: "./config.schema.json" },
      { hub: { linger: 0, maxAge: "forever", queue: { bytes: 5 }, massSlowShare: "75%", retention: false } },
      {
        hub: {
          retention: { latestPerKey: true, keys: 5 },
          escalation: [{ when: { lag: "2s" }, policy: "evict" }],
        },
      },
      { hub: { topics: { "a.>": { preset: "telemetry" } }, classes: { a: { match: { identity: "b*" } } } } },
      { server: { longlived: false, fanout: { batching: "off" } } },
    ]) {
      accepts(right);
    }
  });

  it("refuses unknown keys everywhere, wrong types and missing units", () => {
    for (const wrong of [
      { hubs: {} },
      { hub: { quue: {} } },
      { hub: { queue: { mesages: 5 } } },
      { hub: { topics: { a: { quue: {} } } } },
      { hub: { classes: { a: { retention: false } } } },
      { hub: { classes: { a: { match: {} } } } },
      { hub: { classes: { "1a": {} } } },
      { hub: { linger: 5 } },
      { hub: { linger: "forever" } },
      { hub: { maxTopics: "5" } },
      { hub: { maxTopics: 1 } },
      { hub: { queue: { bytes: "1MB" } } },
      { hub: { retention: true } },
      { hub: { retention: { latestPerKey: true, messages: 5 } } },
      { hub: { escalation: [{ when: {}, policy: "evict" }] } },
      { hub: { escalation: [{ policy: "evict" }] } },
      { server: { longlived: true } },
      { log: { level: "loud" } },
      { admin: null },
    ]) {
      assert.equal(isValid(wrong), false, JSON.stringify(wrong));
    }
  });

  it("has a description for every property, and the default of each that has one", () => {
    const walk = (schema: Record<string, unknown>, path: readonly string[]): number => {
      let properties = 0;
      for (const [name, part] of Object.entries(
        (schema.properties ?? {}) as Record<string, Record<string, unknown>>,
      )) {
        const inside = [...path, name];
        assert.match(String(part.description), /\.$/, inside.join("."));
        if (part.properties === undefined) {
          properties++;
          const standard = standardAt(inside);
          if (standard !== undefined) assert.deepEqual(part.default, standard, inside.join("."));
        }
        properties += walk(part, inside);
      }
      for (const part of (schema.anyOf ?? []) as Record<string, unknown>[]) properties += walk(part, path);
      return properties;
    };
    assert.ok(walk(jsonSchema(), []) >= OPTIONS.length);
  });
});

describe("docs/configuration.md", () => {
  const page = readFileSync(join(root, "docs", "configuration.md"), "utf8");

  it("is what the schema makes it", () => {
    assert.equal(page, configurationReference(), "npm run docs");
  });

  it("has a row for every option, with its variable", () => {
    const lost = OPTIONS.filter(({ path }) => !page.includes(`\`${variableOf(path)}\` |`));
    assert.deepEqual(lost, []);
  });

  it("has an example that is right, and variables that exist", async () => {
    const [, example = ""] = /```yaml\n([\s\S]*?)```/.exec(page) ?? [];
    accepts(parse(example));
    const [, shell = ""] = /```sh\n([\s\S]*?)```/.exec(page) ?? [];
    const environment = Object.fromEntries(
      shell
        .trim()
        .split("\n")
        .map((line) => /^(\w+)='?(.*?)'?$/.exec(line)?.slice(1) as [string, string]),
    );
    assert.equal(Object.keys(environment).length, 4);
    await load(example, { environment: {} });
    await load("", { environment });
  });
});
