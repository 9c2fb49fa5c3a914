import type { z } from "zod";
import { kindOf } from "./kinds.ts";
import { plain, type Said, saidMap } from "./said.ts";

/**
 * Two sources as one: maps key by key, everything else from `above` where it says something. What can be one thing or
 * another is replaced when `above` means the other.
 *
 * @param schema - of what is said
 */
export function merge(below: Said, above: Said, schema: z.ZodType): Said {
  if (below.is !== "map" || above.is !== "map") return above;
  const kind = kindOf(schema);
  if (kind.is === "choice") {
    const meant = kind.options[kind.pick(plain(below))];
    return meant !== undefined && knowsAll(meant, above.entries.keys()) ? merge(below, above, meant) : above;
  }
  const entries = new Map(below.entries);
  for (const [key, said] of above.entries) {
    const before = entries.get(key);
    const part = kind.is === "map" ? kind.value : kind.is === "section" ? kind.shape[key] : undefined;
    entries.set(key, before === undefined || part === undefined ? said : merge(before, said, part));
  }
  return saidMap(above.origin, entries);
}

function knowsAll(schema: z.ZodType, keys: Iterable<string>): boolean {
  const kind = kindOf(schema);
  return kind.is === "section" && [...keys].every((key) => Object.hasOwn(kind.shape, key));
}
