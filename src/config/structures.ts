/**
 * What values are put together to: sections, maps, lists and choices. Each is a Zod schema that decodes what a file says into
 * what code has, under the names of code, and encodes it back.
 *
 * @module
 */
import { z } from "zod";
import { codeName, isMap, make, type Shape } from "./kinds.ts";
import { expecting, type Hint } from "./messages.ts";
import { type Duration, ruled, type TextRule } from "./values.ts";

/** The options of `T` by their names in the file, all of them. */
export type ShapeOf<T> = {
  readonly [Name in keyof T as FileName<Name>]-?: Name extends `${string}Ms`
    ? Duration
    : z.ZodType<Exclude<T[Name], undefined>>;
};

type FileName<Name> = Name extends `${infer Stem}Ms` ? Stem : Name;

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

/** Values by keys that the user chooses. */
export function mapOf<V>(
  key: TextRule,
  value: z.ZodType<V>,
  description: string,
  { some }: { readonly some?: true } = {},
): z.ZodType<Readonly<Record<string, V>>> {
  const any = z.record(ruled(key), value, expecting("a map", mapHint));
  const several = expecting("at least one", undefined, () => "none");
  const map = some
    ? any.refine((given) => Object.keys(given).length > 0, several).meta({ minProperties: 1 })
    : any;
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
