/**
 * The values that a configuration is made of. Each is a Zod schema that decodes what a file says into what code counts
 * with, encodes it back, and says in its errors what it expected and what came.
 *
 * @module
 */
import { isIPv6 } from "node:net";
import { z } from "zod";
import { make } from "./kinds.ts";
import { expecting, type Hint, show } from "./messages.ts";
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
      // What no number can hold is refused, and told as it was said.
      decode: (said) =>
        said === FOREVER ? Number.POSITIVE_INFINITY : (parseDuration(String(said)) ?? (said as never)),
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
      decode: (said) => parseSize(String(said)) ?? (said as never),
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

/** A rule for text, or for the keys of a map. */
export interface TextRule {
  readonly what: string;
  /** Says what is wrong; `undefined`: nothing. */
  readonly fault: (key: string) => string | undefined;
  /** As far as a regular expression can tell, for editors. */
  readonly pattern?: RegExp;
}

/** The schema of text with a rule. */
export function ruled({ what, fault, pattern }: TextRule): z.ZodString {
  return z
    .string(expecting(what, textHint))
    .meta(pattern === undefined ? {} : { pattern: pattern.source })
    .check(({ value, issues }) => {
      const message = fault(value);
      if (message !== undefined) issues.push({ code: "custom", message, input: value });
    });
}
