/**
 * What the schemas of a configuration are, in our words: Zod does not tell, and documents, variables and messages are made
 * from it.
 *
 * The one rule for names stands here too: a time ends in `Ms` in code, and is called without that in the file, where the
 * value has a unit of its own.
 *
 *     stallTimeout: 5s   ◄─►   stallTimeoutMs: 5000
 *
 * @module
 */
import type { z } from "zod";

/** Options by their names in the file. */
export type Shape = Readonly<Record<string, z.ZodType>>;

/** What a schema is. */
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

/** What a schema is. */
export function kindOf(schema: z.ZodType): Kind {
  const kind = kinds.get(schema);
  if (kind === undefined) throw new TypeError("expected a schema that was made here");
  return kind;
}

/** A schema that {@link kindOf} knows. */
export function make<S extends z.ZodType>(schema: S, kind: Kind, description: string): S {
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
