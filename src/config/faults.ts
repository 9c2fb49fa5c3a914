/**
 * Turns what Zod finds wrong with a value into problems: one for each key and value at fault, in the words of the file.
 *
 * @module
 */
import type { z } from "zod";
import { codeName, isMap, type Kind, kindOf } from "./kinds.ts";
import { nearest, suggestion } from "./nearest.ts";
import { formatPath, type Path } from "./said.ts";
import { STRANGER } from "./structures.ts";

/** A problem whose origin is not known yet. */
export interface Fault {
  readonly path: Path;
  readonly message: string;
}

type Issue = z.core.$ZodIssue;

/**
 * @param schema - what the issues come from
 * @param given - what it was given, by the names of the file or of code
 */
export function faultsOf(schema: z.ZodType, given: unknown, issues: readonly Issue[]): readonly Fault[] {
  return issues.flatMap((issue) => faultsOfIssue(schema, given, issue));
}

function faultsOfIssue(schema: z.ZodType, given: unknown, issue: Issue): readonly Fault[] {
  const path = issue.path as Path;
  if (issue.code === "unrecognized_keys") {
    const kind = kindOf(chosen(...walk(schema, given, path)));
    const keys = issue.keys.filter((key) => !key.startsWith(STRANGER));
    return keys.map((key) => unknownKey(schema, path, key, kind));
  }
  if (issue.code === "invalid_key") return [{ path, message: issue.issues[0]?.message ?? issue.message }];
  if (issue.code === "invalid_union") {
    const [part, value] = walk(schema, given, path);
    const kind = kindOf(part);
    // A number or a text was meant for none of them.
    if (kind.is === "choice" && isMap(value)) {
      const meant = issue.errors[kind.pick(value)] ?? [];
      return meant.flatMap((inner) =>
        faultsOfIssue(schema, given, { ...inner, path: [...path, ...inner.path] }),
      );
    }
  }
  return [{ path, message: issue.message }];
}

/**
 * What code says that no option is called, by the names of code.
 *
 * @param path - where `given` stands, in the file
 */
export function strangers(schema: z.ZodType, given: unknown, path: Path = []): readonly Fault[] {
  const kind = kindOf(chosen(schema, given));
  if (kind.is === "list" && Array.isArray(given)) {
    return given.flatMap((item, index) => strangers(kind.item, item, [...path, index]));
  }
  if (!isMap(given)) return [];
  if (kind.is === "map") {
    return Object.keys(given).flatMap((key) =>
      key === "__proto__"
        ? [{ path: [...path, key], message: "this key is not allowed" }]
        : strangers(kind.value, given[key], [...path, key]),
    );
  }
  if (kind.is !== "section") return [];
  const names = new Map(Object.entries(kind.shape).map(([name, part]) => [codeName(name, part), name]));
  return Object.keys(given).flatMap((key) => {
    const name = names.get(key);
    return name === undefined
      ? [{ path: [...path, key], message: `unknown option; ${suggestion(key, [...names.keys()])}` }]
      : strangers(kind.shape[name]!, given[key], [...path, name]);
  });
}

function unknownKey(schema: z.ZodType, path: Path, key: string, kind: Kind): Fault {
  const known = kind.is === "section" ? Object.keys(kind.shape) : [];
  // At the top, a key is often right and its section forgotten.
  const elsewhere = path.length < 2 && nearest(key, known) === undefined ? placeOf(schema, key) : undefined;
  const hint = elsewhere === undefined ? suggestion(key, known) : `did you mean ${formatPath(elsewhere)}?`;
  return { path: [...path, key], message: `unknown key; ${hint}` };
}

/** Where in the file there is a key of that name. */
function placeOf(schema: z.ZodType, key: string, path: Path = []): Path | undefined {
  const kind = kindOf(schema);
  if (kind.is !== "section") return undefined;
  if (path.length > 0 && Object.hasOwn(kind.shape, key)) return [...path, key];
  for (const [name, part] of Object.entries(kind.shape)) {
    const found = placeOf(part, key, [...path, name]);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What a path of the file leads to, and the value there; `given` has the names of the file or of code. */
function walk(schema: z.ZodType, given: unknown, path: Path): readonly [z.ZodType, unknown] {
  let [part, value] = [schema, given];
  for (const key of path) {
    const kind = kindOf(chosen(part, value));
    if (kind.is === "list") {
      [part, value] = [kind.item, Array.isArray(value) ? value[Number(key)] : undefined];
      continue;
    }
    const name = String(key);
    const next =
      kind.is === "map"
        ? kind.value
        : kind.is === "section"
          ? (own(kind.shape, name) as z.ZodType | undefined)
          : undefined;
    if (next === undefined) break;
    [part, value] = [next, own(value, name) ?? own(value, codeName(name, next))];
  }
  return [part, value];
}

/** Of a choice, what the value is meant for. */
function chosen(schema: z.ZodType, value: unknown): z.ZodType {
  const kind = kindOf(schema);
  return kind.is === "choice" ? (kind.options[kind.pick(value)] ?? schema) : schema;
}

function own(value: unknown, key: string): unknown {
  return isMap(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}
