/**
 * A file for people to start from: every option at its default, with what it means.
 *
 * @module
 */
import { stringify } from "yaml";
import type { z } from "zod";
import { inWords } from "./explain.ts";
import { isMap, kindOf } from "./kinds.ts";
import { configSchema } from "./schema/index.ts";
import { defaultOf } from "./standard.ts";

const WIDTH = 100;

/** For what has no default, or one that is not all there is to it. Right together, beside the defaults. */
const EXAMPLES: Readonly<Record<string, unknown>> = {
  "server.fanout": { endGrace: "5s" },
  "server.longlived.endGrace": "5s",
  "server.longlived.batching": "auto",
  "server.channelOptions": { "grpc.max_concurrent_streams": 100, "grpc.max_connection_age_ms": 3_600_000 },
  "hub.preset": "event-feed",
  "hub.retention": { messages: 4096, bytes: "4MiB", age: "10m" },
  "hub.topics": {
    "prices.>": { preset: "live-state", retention: { latestPerKey: true, keys: 5000 }, linger: "5ms" },
    "orders.*": { preset: "audit-log" },
  },
  "hub.classes": {
    dashboards: {
      match: { clientName: "dash-*", labels: { tier: "gold" } },
      overflow: "conflate",
      queue: { messages: 256 },
      maxQueue: { messages: 512 },
    },
    partners: { match: { identity: "partner-*" }, allowedOverflow: ["drop-oldest"], minBytesPerSecond: 4096 },
  },
  metrics: { listen: "127.0.0.1:9464" },
};

const HEAD = [
  "Configuration of Spillway: every option at its default. What is left out of a file is at its default too.",
  "docs/configuration.md has all options, their variables, and what counts before what.",
];

/** A commented YAML file with every option at its default: loading it changes nothing. */
export function defaultsFile(): string {
  return `${[...comment(HEAD.join(" "), ""), ...section(configSchema, [], "")].join("\n")}\n`;
}

function* section(schema: z.ZodType, path: readonly string[], indent: string): Iterable<string> {
  const kind = kindOf(schema);
  if (kind.is !== "section") return;
  let hadExample = false;
  for (const [name, part] of Object.entries(kind.shape)) {
    if (name === "$schema") continue;
    const inside = [...path, name];
    // What is small stands together, as long as one sees where a comment ends.
    if (path.length < 2 || hadExample) yield "";
    yield* option(part, inside, indent);
    hadExample = exampleOf(inside) !== undefined;
  }
}

function exampleOf(path: readonly string[]): unknown {
  return EXAMPLES[path.join(".")];
}

function* option(schema: z.ZodType, path: readonly string[], indent: string): Iterable<string> {
  const name = path.at(-1) ?? "";
  const example = exampleOf(path);
  const value = defaultOf(path);
  const isThere = value !== undefined && !(isMap(value) && Object.keys(value).length === 0);
  const more = isThere || example === undefined ? "" : " For example:";
  yield* comment(`${schema.description}${namesOf(schema)}${more}`, indent);
  if (isThere) yield* said(schema, value, path, indent);
  if (example === undefined) return;
  if (isThere) yield* comment("Instead, for example:", indent);
  const lines = stringify({ [name]: example }, { lineWidth: 0 })
    .trimEnd()
    .split("\n");
  yield* lines.map((line) => `${indent}# ${line}`);
}

function* said(schema: z.ZodType, value: unknown, path: readonly string[], indent: string): Iterable<string> {
  const kind = kindOf(schema);
  const inside = kind.is === "choice" ? kind.options[kind.pick(value)] : schema;
  if (inside === undefined || !isMap(value)) {
    yield `${indent}${path.at(-1)}: ${inWords(value)}`;
    return;
  }
  yield `${indent}${path.at(-1)}:`;
  yield* section(inside, path, `${indent}  `);
}

/** What can be said, unless the description says it. */
function namesOf(schema: z.ZodType): string {
  const kind = kindOf(schema);
  const names = kind.is === "value" ? (kind.names ?? []) : [];
  return names.every((name) => schema.description?.includes(name)) ? "" : ` One of ${names.join(", ")}.`;
}

function* comment(text: string, indent: string): Iterable<string> {
  let line = `${indent}#`;
  for (const word of text.replaceAll("`", "").split(" ")) {
    if (line.length + 1 + word.length > WIDTH) {
      yield line;
      line = `${indent}#`;
    }
    line += ` ${word}`;
  }
  yield line;
}
