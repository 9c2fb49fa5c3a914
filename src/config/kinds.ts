/**
 * The kinds of values that a configuration is made of. Each is a Zod codec: it decodes what a file says into what code
 * counts with, encodes it back, and says in its errors what it expected and what came.
 *
 * The one rule for names stands here too: an option that ends in `Ms` in code is called without it in the file, where
 * the value has a unit of its own.
 *
 *     stallTimeout: 5s   ◄─►   stallTimeoutMs: 5000
 *
 * Zod does not tell what a schema is made of in our words, so {@link kindOf} does; documents, variables and messages
 * are made from it.
 *
 * @module
 */
import { isIPv6 } from "node:net";
import { z } from "zod";
import { quote } from "../errors.ts";
import {
  DURATION_PATTERN,
  FOREVER,
  formatDuration,
  formatSize,
  PERCENT_PATTERN,
  parseDuration,
  parsePercent,
  parseSize,
  SIZE_PATTERN,
} from "./units.ts";

/** Of a value that ends in `Ms` in code. */
export interface Duration extends z.ZodType<number> {
  readonly duration?: true;
}

/** The options of `T` by their names in the file, all of them. */
export type ShapeOf<T> = {
  readonly [Name in keyof T as FileName<Name>]-?: Name extends `${string}Ms`
    ? Duration
    : z.ZodType<Exclude<T[Name], undefined>>;
};

type FileName<Name> = Name extends `${infer Stem}Ms` ? Stem : Name;

type Shape = Readonly<Record<string, z.ZodType>>;

/** What a schema of this module is. */
export type Kind =
  | { readonly is: "section"; readonly shape: Shape; readonly required: readonly string[] }
  /** Keys are free, as `key` describes them. */
  | { readonly is: "map"; readonly key: string; readonly value: z.ZodType }
  | { readonly is: "list"; readonly item: z.ZodType }
  /** One of several; `pick` says which of them a value is meant for. */
  | {
      readonly is: "choice";
      readonly options: readonly z.ZodType[];
      readonly pick: (value: unknown) => number;
    }
  | {
      readonly is: "value";
      readonly unit?: "duration" | "size" | "share";
      /** For errors: `a whole number of at least 1`. */
      readonly what: string;
      /** For tables: `whole number, at least 1`. */
      readonly brief: string;
      /** All that it can be. */
      readonly names?: readonly string[];
      /** Whether it is text, whatever it looks like. */
      readonly text?: boolean;
    };

const kinds = new WeakMap<z.ZodType, Kind>();

/** What a schema of this module is. */
export function kindOf(schema: z.ZodType): Kind {
  const kind = kinds.get(schema);
  if (kind === undefined) throw new TypeError("expected a schema made by this module");
  return kind;
}

function make<S extends z.ZodType>(schema: S, kind: Kind, description: string): S {
  const described = schema.describe(description);
  kinds.set(described, kind);
  return described;
}

/** An option as code calls it. */
export function codeName(name: string, schema: z.ZodType): string {
  const kind = kindOf(schema);
  return kind.is === "value" && kind.unit === "duration" ? `${name}Ms` : name;
}

/** Plain data with keys; no list, no `null`, no number. */
export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A value as a message shows it. */
export function show(value: unknown): string {
  if (value === undefined || value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  return isMap(value) ? "a map" : quote(value);
}

type Hint = (input: unknown) => string | undefined;

/** How an error of a schema reads. */
function expecting(what: string, hint: Hint = () => undefined, shown: (input: unknown) => string = show) {
  return {
    error: ({ input }: { readonly input?: unknown }) => {
      const more = hint(input);
      return `expected ${what}, got ${shown(input)}${more === undefined ? "" : `: ${more}`}`;
    },
  };
}

/** All that stands below a key is a comment. */
const mapHint: Hint = (input) => (input === null ? "leave the key out, or write {}" : undefined);

interface SectionOptions {
  /** Its name in the JSON Schema, where it is used more than once. */
  readonly id?: string;
  /** The options that must be there. */
  readonly required?: readonly string[];
  /** Whether it may not be empty. */
  readonly some?: true;
}

/** Options with names of their own. */
export function section<T extends object>(
  shape: ShapeOf<T>,
  description: string,
  { id, required = [], some }: SectionOptions = {},
): z.ZodType<T> {
  const names = Object.keys(shape);
  const schemas: Shape = shape as Shape;
  const toCode = new Map(names.map((name) => [name, codeName(name, schemas[name]!)]));
  const toFile = new Map(names.map((name) => [codeName(name, schemas[name]!), name]));
  const fields = Object.entries(schemas).map(([name, schema]) => [
    name,
    required.includes(name) ? schema : schema.exactOptional(),
  ]);
  const map = expecting("a map of options", mapHint);
  const inCode = z.custom<T>(
    (value) => isMap(value) && (!some || Object.values(value).some((part) => part !== undefined)),
    some ? expecting(`at least one of ${names.join(", ")}`, undefined, () => "none") : map,
  );
  const codec = z.codec(z.strictObject(Object.fromEntries(fields), map), inCode, {
    decode: (given) =>
      Object.fromEntries(
        Object.entries(given).map(([name, value]) => [toCode.get(name) ?? name, value]),
      ) as T,
    encode: (given) => {
      const said = Object.entries(given).filter(([, value]) => value !== undefined);
      // Under a name that is no option's, and so refused; `strangers` tells of it by its own.
      return Object.fromEntries(said.map(([name, value]) => [toFile.get(name) ?? STRANGER + name, value]));
    },
  });
  const noted = codec.meta({ ...(id === undefined ? {} : { id }), ...(some ? { minProperties: 1 } : {}) });
  return make(noted, { is: "section", shape: schemas, required }, description) as unknown as z.ZodType<T>;
}

/** What the name of a key begins with that code says and no option has. */
export const STRANGER = "\0";

/** A rule for text, or for the keys of a map. */
export interface TextRule {
  readonly what: string;
  /** Says what is wrong; `undefined`: nothing. */
  readonly fault: (key: string) => string | undefined;
  /** As far as a regular expression can tell, for editors. */
  readonly pattern?: RegExp;
}

/** Values by keys that the user chooses. */
export function mapOf<V>(
  key: TextRule,
  value: z.ZodType<V>,
  description: string,
): z.ZodType<Readonly<Record<string, V>>> {
  const map = z.record(ruled(key), value, expecting("a map", mapHint));
  return make(map, { is: "map", key: key.what, value }, description);
}

/** A list. It counts as a whole: a later one replaces it. */
export function listOf<V>(
  item: z.ZodType<V>,
  description: string,
  { least = 0 }: { readonly least?: number } = {},
): z.ZodType<readonly V[]> {
  const several = expecting(`a list of at least ${least}`, undefined, () => "fewer");
  const list = z.array(item, expecting("a list"));
  return make(least > 0 ? list.min(least, several) : list, { is: "list", item }, description);
}

/** `false` or one of several others. */
export function falseOr<V>(
  options: readonly z.ZodType<V>[],
  description: string,
  pick: (value: unknown) => number = () => 0,
): z.ZodType<V | false> {
  const never = make(z.literal(false), { is: "value", what: "false", brief: "`false`" }, "None at all.");
  const all: readonly z.ZodType<V | false>[] = [never, ...options];
  return make(
    z.union(all, expecting("a map of options or false")),
    // What is no map was meant for the one that can be said in a word.
    { is: "choice", options: all, pick: (value) => (isMap(value) ? pick(value) + 1 : 0) },
    description,
  );
}

/** What a timer of the platform can hold: 24.8 days. A longer one would fire at once. */
const LONGEST_MS = 2_147_483_647;

interface DurationOptions {
  /** In milliseconds. */
  readonly most?: number;
  /** Whether it may be `forever`. */
  readonly forever?: boolean;
  /** Whether it may not be 0. */
  readonly positive?: boolean;
}

export function duration(
  description: string,
  { most = LONGEST_MS, forever = false, positive = false }: DurationOptions = {},
): Duration {
  const limit = most === LONGEST_MS ? "24.8 days" : formatDuration(most);
  const orForever = forever ? `, or ${FOREVER}` : "";
  const what = `a time such as 250ms, 30s, 5m, 2h or 1d${orForever}`;
  const inRange = (ms: unknown) =>
    typeof ms === "number" &&
    ((ms >= 0 && ms <= most) || (forever && ms === Number.POSITIVE_INFINITY)) &&
    !(positive && ms === 0);
  const asked = expecting(what, durationHint);
  const codec = z.codec(
    z.union(
      [z.literal(0), z.string().regex(DURATION_PATTERN, asked), ...(forever ? [z.literal(FOREVER)] : [])],
      asked,
    ),
    z.custom<number>(
      inRange,
      expecting(
        `a time ${positive ? "above 0 and up to" : "from 0 to"} ${limit}${orForever}`,
        undefined,
        showTime,
      ),
    ),
    {
      decode: (said) =>
        said === FOREVER ? Number.POSITIVE_INFINITY : (parseDuration(String(said)) ?? Number.NaN),
      encode: (ms) => (ms === 0 ? 0 : formatDuration(ms)),
    },
  );
  const brief = `time${positive ? " above 0" : ""}${most === LONGEST_MS ? "" : `, at most ${limit}`}${forever ? `, or \`${FOREVER}\`` : ""}`;
  return make(codec, { is: "value", unit: "duration", what, brief }, description);
}

const durationHint: Hint = (input) => {
  if (typeof input === "number") return "a time needs a unit";
  return input === FOREVER ? "this one has to end" : undefined;
};

function showTime(ms: unknown): string {
  return typeof ms === "number" && !Number.isNaN(ms) ? formatDuration(ms) : show(ms);
}

/** Bytes. */
export function size(description: string, most = Number.MAX_SAFE_INTEGER): z.ZodType<number> {
  const limit = most === Number.MAX_SAFE_INTEGER ? "" : `, at most ${formatSize(most)}`;
  const what = `a size such as 4096, 64KiB or 1MiB, at least 1 byte${limit}`;
  const asked = expecting(what, sizeHint);
  const inRange = (bytes: unknown) =>
    Number.isSafeInteger(bytes) && (bytes as number) >= 1 && (bytes as number) <= most;
  const codec = z.codec(
    z.union([z.int(asked).min(1, asked).max(most, asked), z.string(asked).regex(SIZE_PATTERN, asked)], asked),
    z.custom<number>(inRange, expecting(what)),
    {
      decode: (text) => parseSize(String(text)) ?? Number.NaN,
      encode: (bytes) => sizeText(bytes),
    },
  );
  return make(codec, { is: "value", unit: "size", what, brief: `size${limit}` }, description);
}

/** Plain bytes stay a number. */
function sizeText(bytes: number): number | string {
  const text = formatSize(bytes);
  return /^\d+$/.test(text) ? bytes : text;
}

const sizeHint: Hint = (input) =>
  typeof input === "string" && /^[\d.]+ ?[kKmMgG][bB]?$/.test(input)
    ? "write KiB, MiB or GiB, which are powers of 1024"
    : undefined;

/** A part of a whole, above 0. */
export function share(description: string): z.ZodType<number> {
  const what = "a share above 0 and up to 1, such as 0.75 or 75%";
  const asked = expecting(what);
  const inRange = (value: unknown) => typeof value === "number" && value > 0 && value <= 1;
  const codec = z.codec(
    z.union(
      [z.number(asked).gt(0, asked).max(1, asked), z.string(asked).regex(PERCENT_PATTERN, asked)],
      asked,
    ),
    z.custom<number>(inRange, expecting(what)),
    {
      decode: (said) => (typeof said === "number" ? said : (parsePercent(said) ?? Number.NaN)),
      encode: (value) => value,
    },
  );
  return make(codec, { is: "value", unit: "share", what, brief: "share" }, description);
}

export function whole(least: number, description: string, most?: number): z.ZodType<number> {
  const range = most === undefined ? `of at least ${least}` : `from ${least} to ${most}`;
  const what = `a whole number ${range}`;
  const asked = expecting(what);
  const schema = z.int(asked).min(least, asked);
  return make(
    most === undefined ? schema : schema.max(most, asked),
    { is: "value", what, brief: `whole number ${most === undefined ? `≥ ${least}` : range}` },
    description,
  );
}

export function number(description: string): z.ZodType<number> {
  return make(
    z.number(expecting("a number")),
    { is: "value", what: "a number", brief: "number" },
    description,
  );
}

export function oneOf<const Names extends readonly string[]>(
  names: Names,
  description: string,
): z.ZodType<Names[number]> {
  const what = `one of ${names.join(", ")}`;
  const brief = names.map((name) => `\`${name}\``).join(", ");
  return make(z.enum(names, expecting(what)), { is: "value", what, brief, names }, description);
}

export function flag(description: string): z.ZodType<boolean> {
  const what = "true or false";
  return make(z.boolean(expecting(what)), { is: "value", what, brief: "`true`, `false`" }, description);
}

/** A value that can only be said, or left out. */
export function onlyTrue(description: string): z.ZodType<true> {
  return make(
    z.literal(true, expecting("true")),
    { is: "value", what: "true", brief: "`true`" },
    description,
  );
}

const textHint: Hint = (input) =>
  typeof input === "number" || typeof input === "boolean" ? "put it in quotes" : undefined;

export function text(description: string): z.ZodType<string> {
  return make(
    z.string(expecting("text", textHint)),
    { is: "value", what: "text", brief: "text", text: true },
    description,
  );
}

/** Where something listens. */
export function address(description: string): z.ZodType<string> {
  const what = "an address as HOST:PORT, such as 127.0.0.1:7070 or [::1]:7070";
  const rule: TextRule = {
    what,
    fault: (value) => (isAddress(value) ? undefined : `expected ${what}, got ${show(value)}`),
    pattern: ADDRESS_PATTERN,
  };
  return make(ruled(rule), { is: "value", what, brief: "`HOST:PORT`", text: true }, description);
}

const ADDRESS_PATTERN = /^(\[([^\]]*)\]|[^:[\]\s/]+):(\d{1,5})$/;

function isAddress(value: string): boolean {
  const [, , bracketed, port] = ADDRESS_PATTERN.exec(value) ?? [];
  return Number(port) <= 65_535 && (bracketed === undefined || isIPv6(bracketed));
}

/** Text with a rule of its own. */
export function ruledText(rule: TextRule, description: string): z.ZodType<string> {
  return make(ruled(rule), { is: "value", what: rule.what, brief: "text", text: true }, description);
}

function ruled({ what, fault, pattern }: TextRule): z.ZodString {
  return z
    .string(expecting(what, textHint))
    .meta(pattern === undefined ? {} : { pattern: pattern.source })
    .check(({ value, issues }) => {
      const message = fault(value);
      if (message !== undefined) issues.push({ code: "custom", message, input: value });
    });
}
