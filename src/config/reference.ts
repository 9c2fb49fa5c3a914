/**
 * `docs/configuration.md`: every option in tables made from the schema, and around them what is true of all.
 *
 * @module
 */
import type { z } from "zod";
import { CONFIG_VARIABLE } from "./environment.ts";
import { inWords } from "./explain.ts";
import { isMap, kindOf } from "./kinds.ts";
import { variableOf } from "./options.ts";
import { formatPath, type Path } from "./said.ts";
import { configSchema } from "./schema/index.ts";
import { classSchema, rungSchema, topicShape } from "./schema/subscribers.ts";
import { FALLBACKS } from "./settled.ts";
import { defaultOf } from "./standard.ts";

/** The page, as Markdown. */
export function configurationReference(): string {
  const sections = Object.entries(sectionsOf(configSchema)).filter(([name]) => name !== "$schema");
  return [
    INTRODUCTION,
    ...sections.flatMap(([name, schema]) => [
      `### ${name}`,
      schema.description ?? "",
      tableOf(schema, [name], true),
      ...(name === "hub" ? MORE_OF_HUB : []),
    ]),
    CONCLUSION,
  ].join("\n\n");
}

/** Of a section its options; nothing else has any. */
function sectionsOf(schema: z.ZodType): Readonly<Record<string, z.ZodType>> {
  const kind = kindOf(schema);
  return kind.is === "section" ? kind.shape : {};
}

/** @param isPlaced - whether the path is one place in the file, with defaults and variables */
function tableOf(
  schema: z.ZodType,
  path: readonly string[],
  isPlaced: boolean,
  wanted: (name: string) => boolean = () => true,
): string {
  const head = isPlaced
    ? ["option", "value", "default", "variable", "meaning"]
    : ["option", "value", "meaning"];
  const rows = [...rowsOf(schema, path)]
    .filter((row) => wanted(row.path[path.length] ?? ""))
    .map((row) => {
      const name = code(formatPath(row.path.slice(isPlaced ? 1 : path.length)));
      const { description: meaning = "" } = row.schema;
      const value = valuesOf(row.schema);
      if (!isPlaced) return [name, value, meaning];
      const isGroup = kindOf(row.schema).is === "section";
      return [
        name,
        value,
        ...(isGroup ? ["", ""] : [standardOf(row.path), code(variableOf(row.path))]),
        meaning,
      ];
    });
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** Every option of a section, and every group of options before those in it. */
function* rowsOf(
  schema: z.ZodType,
  path: readonly string[],
): Iterable<{ path: readonly string[]; schema: z.ZodType }> {
  for (const [name, part] of Object.entries(sectionsOf(schema))) {
    const inside = [...path, name];
    yield { path: inside, schema: part };
    const kind = kindOf(part);
    for (const form of kind.is === "choice" ? kind.options : [part]) yield* rowsOf(form, inside);
  }
}

function valuesOf(schema: z.ZodType): string {
  const kind = kindOf(schema);
  if (kind.is === "value") return kind.brief;
  if (kind.is === "choice") return "`false`, or as below";
  if (kind.is === "section") return "";
  return kind.is;
}

function standardOf(path: Path): string {
  const fallback = FALLBACKS[formatPath(path)];
  if (fallback !== undefined) return `as ${code(formatPath(fallback))}`;
  const value = defaultOf(path);
  return value === undefined || isMap(value) ? "" : code(inWords(value));
}

function code(text: string): string {
  return `\`${text}\``;
}

const EXAMPLE = `server:
  listen: 127.0.0.1:7070
hub:
  preset: event-feed
  queue: { messages: 2048, bytes: 2MiB }
  retention: { messages: 4096, bytes: 4MiB, age: 10m }
  escalation:
    - { when: { lag: 2s }, policy: conflate }
    - { when: { stalledFor: 60s }, policy: evict }
  topics:
    "prices.>": { preset: live-state, queue: { messages: 256 }, linger: 5ms }
    "audit.>": { preset: audit-log }
  classes:
    dashboards:
      match: { clientName: "dash-*", labels: { tier: gold } }
      maxQueue: { messages: 4096 }
metrics:
  listen: 127.0.0.1:9464`;

const INTRODUCTION = `# Configuration

Every option of a file, with its default and its variable. Written by \`npm run docs\` from the
[schema](../src/config/schema/index.ts) and [defaults.ts](../src/defaults.ts); the tests hold it to them.

\`\`\`yaml
${EXAMPLE}
\`\`\`

\`spillway config print-defaults\` prints a commented file with every option at its default, \`spillway config check FILE\`
says what is wrong with a file or what it comes to, and \`spillway config explain FILE --topic T\` says what counts for one
topic and where that was said. Editors complete and check a file that names the JSON Schema, \`spillway/config.schema.json\`:
with \`# yaml-language-server: $schema=PATH\` in its first line, or in JSON with the key \`$schema\`.

## What counts before what

Of the sources, for each option by itself:

1. code: the flags of the command, or \`loadConfig({ code })\`;
2. the environment;
3. the file;
4. the defaults.

Maps (\`topics\`, \`classes\`, and options with options inside) are merged key by key; a list, such as \`escalation\`, is
taken as a whole from the first source that has it. \`retention\` is merged as long as it stays of one form, in order or
per key.

Of the levels at which \`hub\` says how a subscriber is treated, for each value by itself:

1. what the subscriber asked for and was granted;
2. its class, under \`classes\`;
3. the patterns under \`topics\` that cover every pattern of the subscription, the most specific first: compared token by token
   from the left, a name comes before \`*\`, and that before \`>\`;
4. what \`hub\` says for all;
5. the defaults.

At each level, what it says itself counts before its \`preset\`. \`queue\`, \`maxQueue\`, \`watermarks\` and \`batch\` are taken
apart for this; \`escalation\`, \`allowedOverflow\` and \`retention\` count as a whole. \`retention\` and \`linger\` are
looked up for the topic of a message, by the patterns that match it.

A client name and labels are claims of the client; only the identity is known, from the \`authorize\` hook. Grant nothing
on the strength of a claim that you would not grant to everybody.

## Units

| kind | written as |
| --- | --- |
| time | a number and \`ms\`, \`s\`, \`m\`, \`h\` or \`d\`: \`250ms\`, \`1.5s\`, \`5m\`. Only \`0\` needs no unit. \`forever\` where the table has it. At most 24.8 days, which is what a timer can hold |
| size | bytes, or a number and \`KiB\`, \`MiB\` or \`GiB\`, powers of 1024: \`4096\`, \`64KiB\`. \`kB\` and \`MB\` are refused, since they mean two things |
| share | above 0 and up to 1: \`0.75\` or \`75%\` |
| list, map | in YAML, on lines of their own or in brackets |

In code the same options have plain numbers. A time ends in \`Ms\` there: \`stallTimeout: 5s\` is \`stallTimeoutMs: 5000\`,
\`forever\` is \`Infinity\`. Sizes are bytes, and keep their names.

## Variables

Each option that stands in one place has a variable: \`SPILLWAY_\` and its path. Values are written as in the file; lists and
maps as YAML on one line:

\`\`\`sh
SPILLWAY_HUB_QUEUE_MESSAGES=512
SPILLWAY_HUB_STALL_TIMEOUT=5s
SPILLWAY_HUB_ESCALATION='[{ when: { lag: 2s }, policy: conflate }]'
SPILLWAY_HUB_TOPICS='{ "prices.>": { preset: live-state } }'
\`\`\`

An empty variable counts as not set. \`${CONFIG_VARIABLE}\` is the path of the file, for the command. Another name that
begins with \`SPILLWAY_\` is an error, except those that Kubernetes sets beside a service called so
(\`SPILLWAY_SERVICE_HOST\`, \`SPILLWAY_PORT_7070_TCP\` and the like).

## What is refused

All of it at once, each with its line and column, variable or \`code\`, its path, what was expected and what came:

- unknown keys and variables, with the nearest known one; keys said twice; \`__proto__\`; merge keys (\`<<\`) and tags of
  YAML. Anchors and aliases are read;
- values of a wrong type, out of range, or without their unit; a key with nothing behind it;
- what is right by itself and contradicts something else: a low watermark above the high one, a queue larger than
  \`maxQueue\`, parking without a replay log or with one smaller than the queue, rungs that can never count, \`metrics.listen\`
  on the server's port.

An empty file is all defaults.

## Options`;

const MORE_OF_HUB = [
  "#### A rung of escalation",
  "A subscriber stands on the last rung whose conditions all hold, and comes down one rung at a time.",
  tableOf(rungSchema, [], false),
  "#### topics",
  `By pattern, such as \`prices.*\` or \`prices.>\`: everything that \`hub\` has from \`${Object.keys(topicShape)[0]}\` to ` +
    `\`${Object.keys(topicShape).at(-1)}\`.`,
  "#### classes",
  "By the name of the class, which begins with a letter and has letters, digits, `-` and `_`: everything that `hub` has from " +
    "`preset` to `batch`, and these.",
  tableOf(classSchema, [], false, (name) => !Object.hasOwn(topicShape, name) || name === "linger"),
];

const PROGRAM = [
  'import { Hub, serve } from "spillway";',
  'import { loadConfig } from "spillway/config";',
  "",
  'const { config } = await loadConfig({ file: "spillway.yaml", environment: process.env });',
  "const hub = new Hub(config.hub);",
  "const server = await serve(hub, config.server);",
];

const CONCLUSION = `## Reloading

\`spillway serve --config FILE\` reads its file again on SIGHUP, and when its content has changed: it looks once a second,
also behind symbolic links, and a change counts once it has been seen twice. Flags and variables count before it as they
did at the start.

All of it is put in force, or nothing. If anything in it is wrong, the old configuration stays, and one line of the log
says everything that is. \`hub\` and \`log.level\` can change while the server runs; a file that changes another value
is refused as a whole, with the name of the option, until the server is restarted. Otherwise one line says which values
have changed, as \`hub.queue.messages: 1024 -> 512\`.

New limits count for those who are subscribed as for newcomers. Nothing that waits for a subscriber is lost but what a
smaller queue has no room for: its policy decides at once what gives way, and the subscriber is told.

In code, \`hub.reconfigure(config.hub)\` does it, and \`watchConfig\` says when.

## In code

\`\`\`js
${PROGRAM.join("\n")}
\`\`\`

What cannot be written down is given there, beside \`config.hub\` and \`config.server\`: hooks, TLS credentials, history
sources, services of one's own, the identity of a history (\`epoch\`, \`lastOffset\`), a clock, and the options of grpc-js that
are not in the table.
`;
