/**
 * Random configurations, made from the schema: as code says them, right in every type and range, and without
 * contradictions by the choice of their values.
 */
import fc from "fast-check";
import type { z } from "zod";
import { codeName, kindOf } from "../../src/config/kinds.ts";
import { configSchema } from "../../src/config/schema/index.ts";
import type { SpillwayConfig } from "../../src/config/types.ts";

/** What must not be any that its kind allows, so that no two levels contradict each other. */
const PARTICULAR: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  "watermarks.high": fc.constantFrom(0.5, 0.6, 0.75, 1),
  "watermarks.low": fc.constantFrom(0.01, 0.25, 0.5),
  "queue.messages": fc.integer({ min: 1, max: 1_000 }),
  "queue.bytes": fc.integer({ min: 1, max: 100_000 }),
  // No less than any preset's queue, which would be cut to it.
  "maxQueue.messages": fc.integer({ min: 65_536, max: 100_000 }),
  "maxQueue.bytes": fc.integer({ min: 2 ** 24, max: 2 ** 30 }),
  overflow: fc.constantFrom("drop-oldest", "drop-newest", "conflate", "evict", "block"),
  preset: fc.constantFrom("live-state", "event-feed", "telemetry"),
  // Rungs can stand in the way of one another, one cannot.
  escalation: fc.oneof(
    fc.constant([]),
    fc
      .record(
        {
          when: fc.record(
            {
              lagMs: anyTime(2_147_483_647),
              lagMessages: fc.nat(1_000),
              lagBytes: fc.integer({ min: 1, max: 2_147_483_647 }),
            },
            { requiredKeys: ["lagMs"], noNullPrototype: true },
          ),
          policy: fc.constantFrom("conflate", "drop-newest", "evict"),
        },
        { noNullPrototype: true },
      )
      .map((rung) => [rung]),
  ),
};

const patterns = fc
  .array(fc.constantFrom("a", "b", "*", "quotes-1", "ü", "null", "5", "constructor"), {
    minLength: 1,
    maxLength: 3,
  })
  .chain((tokens) => fc.constantFrom(tokens.join("."), [...tokens, ">"].join(".")));

const names = fc.constantFrom("gold", "Silver", "b-2", "true", "constructor", "x_y");

/** Also what YAML would take for something else. */
const texts = fc.oneof(
  fc.string(),
  fc.string({ unit: "grapheme" }),
  fc.constantFrom(
    "null",
    "true",
    "5",
    "0x1",
    "~",
    "a: b",
    "- a",
    "#",
    "'",
    '"',
    "*",
    "&a",
    "!x",
    "",
    " ",
    "a\nb",
    "1e3",
    "<<",
  ),
);

function anyOf(schema: z.ZodType, path: readonly string[]): fc.Arbitrary<unknown> {
  const particular = PARTICULAR[path.slice(-2).join(".")] ?? PARTICULAR[path.at(-1) ?? ""];
  if (particular !== undefined && path.length > 1) return particular;
  const kind = kindOf(schema);
  switch (kind.is) {
    case "section": {
      const options = Object.entries(kind.shape).map(([name, part]) => [
        codeName(name, part),
        anyOf(part, [...path, name]),
      ]);
      const required = kind.required.map((name) => codeName(name, kind.shape[name]!));
      const model = Object.fromEntries(options) as Record<string, fc.Arbitrary<unknown>>;
      const any = fc.record(model, { requiredKeys: required, noNullPrototype: true });
      return path.at(-1) === "match" ? any.filter((match) => Object.keys(match).length > 0) : any;
    }
    case "map": {
      const keys = path.at(-1) === "topics" ? patterns : path.at(-1) === "labels" ? texts : names;
      return fc.dictionary(
        keys.filter((key) => key !== "__proto__" && key !== "<<"),
        anyOf(kind.value, [...path, "*"]),
        { minKeys: path.at(-1) === "labels" ? 1 : 0, maxKeys: 3, noNullPrototype: true },
      );
    }
    case "list":
      return fc.array(anyOf(kind.item, path), { minLength: 1, maxLength: 4 });
    case "choice":
      return fc.oneof(...kind.options.map((option) => anyOf(option, path)));
    case "value":
      return anyValue(kind, path);
  }
}

function anyValue(
  kind: Extract<ReturnType<typeof kindOf>, { is: "value" }>,
  path: readonly string[],
): fc.Arbitrary<unknown> {
  if (kind.unit === "duration") {
    const time = anyTime(
      /at most 1s/.test(kind.brief) ? 1_000 : 2_147_483_647,
      /above 0/.test(kind.brief) ? 1 : 0,
    );
    return /forever/.test(kind.brief) ? fc.oneof(time, fc.constant(Number.POSITIVE_INFINITY)) : time;
  }
  if (kind.unit === "size")
    return fc.oneof(
      fc.integer({ min: 1 }),
      fc.nat(20).map((power) => 2 ** power),
    );
  if (kind.unit === "share") return fc.constantFrom(0.001, 0.25, 1 / 3, 0.5, 1);
  if (kind.names !== undefined) return fc.constantFrom(...kind.names);
  if (kind.what === "true or false") return fc.boolean();
  if (kind.what === "true" || kind.what === "false") return fc.constant(kind.what === "true");
  if (kind.what.startsWith("an address")) {
    return fc
      .tuple(fc.constantFrom("127.0.0.1", "localhost", "[::1]", "h"), fc.integer({ min: 1, max: 65_535 }))
      .map(([host, port]) => `${host}:${port}`);
  }
  if (kind.what.startsWith("a pattern")) return patterns;
  if (kind.what === "text") return texts;
  if (kind.what === "a number")
    return fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
  const range = /from (-?\d+) to (\d+)|at least (-?\d+)/.exec(kind.what);
  if (range === null) throw new Error(`${path.join(".")}: no values of its kind are known: ${kind.what}`);
  return fc.integer({
    min: Number(range[1] ?? range[3]),
    max: Math.min(Number(range[2] ?? 1e9), 2 ** 31 - 1),
  });
}

/** In eighths of a millisecond, which a file can say without a loss. */
function anyTime(most: number, least = 0): fc.Arbitrary<number> {
  return fc.oneof(
    fc.integer({ min: least, max: most }),
    fc.constantFrom(
      ...[1, 60, 3_600].map((seconds) => seconds * 1_000).filter((ms) => ms <= most),
      0.125 + least,
    ),
  );
}

function portOf(address: string | undefined): string | undefined {
  return address?.slice(address.lastIndexOf(":"));
}

function sectionsOf(schema: z.ZodType): Readonly<Record<string, z.ZodType>> {
  const kind = kindOf(schema);
  return kind.is === "section" ? kind.shape : {};
}

/** Any that is right. */
export const anyConfig = fc
  .record(
    Object.fromEntries(
      Object.entries(sectionsOf(configSchema))
        .filter(([name]) => name !== "$schema")
        .map(([name, schema]) => [name, anyOf(schema, [name])]),
    ),
    { requiredKeys: [], noNullPrototype: true },
  )
  .map((config) => config as SpillwayConfig)
  // Reflection is a part of the admin service, and two listeners need two ports.
  .filter(({ server, metrics }) => portOf(server?.listen ?? "h:7070") !== portOf(metrics?.listen));
