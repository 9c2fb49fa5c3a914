/** Whatever is right is read as it was meant, by every way; whatever is wrong is refused with its place. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { stringify } from "yaml";
import { z } from "zod";
import {
  ConfigError,
  effectiveConfig,
  explainConfig,
  formatPath,
  jsonSchema,
  loadConfig,
  toldApart,
  worstCaseMemory,
} from "../../src/config/index.ts";
import { kindOf } from "../../src/config/kinds.ts";
import { OPTIONS, variableOf } from "../../src/config/options.ts";
import { valueAt } from "../../src/config/said.ts";
import { configSchema } from "../../src/config/schema/index.ts";
import type { SpillwayConfig } from "../../src/config/types.ts";
import { Hub } from "../../src/fanout/index.ts";
import { runs } from "../support/property.ts";
import { anyConfig } from "./arbitrary.ts";

const folder = mkdtempSync(join(tmpdir(), "spillway-config-"));
const file = join(folder, "c.yaml");
after(() => rmSync(folder, { recursive: true }));

const isValid = new Ajv2020({ strict: true }).compile(jsonSchema());

function inFile(config: SpillwayConfig): unknown {
  return z.encode(configSchema, config);
}

async function loadText(text: string): Promise<SpillwayConfig> {
  writeFileSync(file, text);
  return (await loadConfig({ file })).config;
}

/** Sections without anything in them say nothing, so a variable cannot say them. */
function withoutEmptySections(config: SpillwayConfig): unknown {
  return JSON.parse(
    JSON.stringify(config, (key, value) =>
      value === Number.POSITIVE_INFINITY ? "forever" : isEmpty(key, value) ? undefined : value,
    ),
    (key, value) => (isEmpty(key, value) ? undefined : value),
  );
}

function isEmpty(key: string, value: unknown): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    Object.keys(value).length === 0 &&
    key !== ""
  );
}

describe("any right configuration", () => {
  it("is read from YAML and from JSON as it was meant, and the JSON Schema agrees", async () => {
    await fc.assert(
      fc.asyncProperty(anyConfig, async (config) => {
        const said = inFile(config);
        assert.deepEqual(await loadText(stringify(said)), config);
        assert.deepEqual(await loadText(JSON.stringify(said, null, "\t")), config);
        assert.ok(isValid(said), JSON.stringify(isValid.errors));
      }),
      runs(150),
    );
  });

  it("is taken by the engine, and explained with figures for everybody that it tells apart", async () => {
    await fc.assert(
      fc.asyncProperty(anyConfig, async (code) => {
        const loaded = await loadConfig({ code });
        assert.deepEqual(loaded.config, code);
        void new Hub(loaded.config.hub);
        for (const whom of toldApart(code)) {
          const { subscriber, topic, common } = explainConfig(loaded, whom);
          for (const { option, value, origin } of [...subscriber, ...topic, ...common]) {
            assert.ok(option.length > 0 && value.length > 0, option);
            assert.match(origin, /^(default|.* \(code\))$/);
          }
        }
        const { subscribers, topics, total } = worstCaseMemory(code);
        for (const { standard, most } of subscribers) assert.ok(standard > 0 && most >= standard);
        for (const { retained } of topics) assert.ok(retained >= 0);
        assert.ok(total.most >= total.standard && total.standard >= total.shared / 2 && total.retained >= 0);
      }),
      runs(60),
    );
  });

  it("can be said by variables alone, as far as it says anything", async () => {
    await fc.assert(
      fc.asyncProperty(anyConfig, async (config) => {
        const said = inFile(config);
        const environment: Record<string, string> = {};
        for (const { path, schema } of OPTIONS) {
          const value = valueAt(said, path);
          const kind = kindOf(schema);
          // What is made of several options is said by theirs.
          if (value === undefined || (kind.is === "choice" && value !== false)) continue;
          const isText = kind.is === "value" && kind.text === true;
          environment[variableOf(path)] = isText ? String(value) : JSON.stringify(value);
        }
        const read = await loadConfig({ environment });
        assert.deepEqual(withoutEmptySections(read.config), withoutEmptySections(config));
      }),
      runs(100),
    );
  });

  it("is effective as it is explained: written out in full and read again, the same counts for everybody", async () => {
    await fc.assert(
      fc.asyncProperty(anyConfig, async (config) => {
        const again = await loadText(stringify(effectiveConfig(config)));
        assert.deepEqual(effectiveConfig(again), effectiveConfig(config));
        const values = async (code: SpillwayConfig) => {
          const loaded = await loadConfig({ code });
          return toldApart(config).map((whom) => {
            const { subscriber, topic, common } = explainConfig(loaded, whom);
            return [...subscriber, ...topic, ...common].map(({ option, value }) => [option, value]);
          });
        };
        assert.deepEqual(await values(again), await values(config));
      }),
      runs(60),
    );
  });
});

/** Where something can be put that is wrong whatever stands there, and what. */
function wrongs(said: unknown, schema: z.ZodType, path: readonly (string | number)[]): Wrong[] {
  const kind = kindOf(schema);
  const here = (value: unknown): Wrong => ({ path, value });
  switch (kind.is) {
    case "section": {
      const parts = Object.entries((said ?? {}) as object).flatMap(([name, part]) =>
        wrongs(part, kind.shape[name]!, [...path, name]),
      );
      return [here(null), here(7), here([]), { path: [...path, "zzzz"], value: 1 }, ...parts];
    }
    case "map": {
      const parts = Object.entries((said ?? {}) as object).flatMap(([name, part]) =>
        wrongs(part, kind.value, [...path, name]),
      );
      return [here(null), here("x"), ...parts];
    }
    case "list":
      return [
        here({}),
        here(null),
        here([null]),
        ...((said ?? []) as unknown[]).flatMap((part, index) => wrongs(part, kind.item, [...path, index])),
      ];
    case "choice":
      return [
        here(null),
        here(true),
        here("x"),
        ...(said === false ? [] : wrongs(said, kind.options[kind.pick(said)]!, path)),
      ];
    case "value":
      return [
        here({ x: 1 }),
        here(null),
        here([]),
        ...(kind.text ? [here(5)] : [here(Number.NaN), here("nonsense")]),
      ];
  }
}

interface Wrong {
  readonly path: readonly (string | number)[];
  readonly value: unknown;
}

function put(data: unknown, [key, ...rest]: Wrong["path"], value: unknown): unknown {
  if (key === undefined) return value;
  if (Array.isArray(data)) return data.map((item, index) => (index === key ? put(item, rest, value) : item));
  const before = data as Readonly<Record<string, unknown>>;
  return { ...before, [key]: put(before[key], rest, value) };
}

describe("any wrong configuration", () => {
  it("is refused at the place where it is wrong, by the JSON Schema as well", async () => {
    const broken = anyConfig.chain((config) => {
      const said = inFile(config);
      return fc.record({
        said: fc.constant(said),
        wrong: fc.constantFrom(...wrongs(said, configSchema, [])),
      });
    });
    await fc.assert(
      fc.asyncProperty(broken, async ({ said, wrong: { path, value } }) => {
        const bad = put(said, path, value);
        // An empty file says nothing.
        fc.pre(path.length > 0 || value !== null);
        await assert.rejects(loadText(stringify(bad)), (error) => {
          assert.ok(error instanceof ConfigError, String(error));
          for (const problem of error.problems) {
            assert.ok(problem.path.startsWith(formatPath(path)), `${problem.path} for ${formatPath(path)}`);
            assert.match(problem.where, /c\.yaml:\d+:\d+$/);
            assert.ok(problem.message.length > 10);
          }
          return error.problems.length > 0;
        });
        assert.equal(isValid(bad), false, `the JSON Schema takes ${formatPath(path)}`);
      }),
      runs(300),
    );
  });

  it("is refused whatever text it is, and nothing else ever comes of it", async () => {
    const words = fc.constantFrom(
      ..."hub server: queue topics classes escalation retention { } [ ] : , - & * ! | > ' \" # % @ ` ~ null 5s 1MiB <<: ? \n \t".split(
        " ",
      ),
      "\n",
      "  ",
      ": ",
      "__proto__",
      "&a ",
      "*a",
      "\0",
      "\uD800",
    );
    const anyText = fc.oneof(
      fc.array(words, { maxLength: 30 }).map((parts) => parts.join("")),
      fc.string({ unit: "binary" }),
    );
    await fc.assert(
      fc.asyncProperty(anyText, async (text) => {
        try {
          await loadText(text);
        } catch (error) {
          assert.ok(error instanceof ConfigError, `${error}`);
        }
      }),
      runs(1_000),
    );
  });
});
