/**
 * The options of a configuration as a list, each with its path in the file and the variable that sets it. Documents,
 * variables and explanations are made from it.
 *
 * @module
 */
import type { z } from "zod";
import { kindOf } from "./kinds.ts";
import { configSchema } from "./schema/index.ts";

export interface Option {
  /** In the file; no key of it is the user's own. */
  readonly path: readonly string[];
  readonly schema: z.ZodType;
  /** Of the section it stands in, if that is one of several that are possible there. */
  readonly within: Option | undefined;
}

/** Every value that can be said by itself; sections are taken apart, lists and maps are not. */
export const OPTIONS: readonly Option[] = [...optionsOf(configSchema, [])];

function* optionsOf(schema: z.ZodType, path: readonly string[], within?: Option): Iterable<Option> {
  const kind = kindOf(schema);
  if (kind.is === "section") {
    for (const [name, part] of Object.entries(kind.shape)) {
      if (name !== "$schema") yield* optionsOf(part, [...path, name], within);
    }
    return;
  }
  const option: Option = { path, schema, within };
  yield option;
  if (kind.is === "choice") {
    for (const part of kind.options) {
      if (kindOf(part).is === "section") yield* optionsOf(part, path, option);
    }
  }
}

/** What the names of all variables begin with. */
export const PREFIX = "SPILLWAY_";

/** `hub.stallTimeout` is `SPILLWAY_HUB_STALL_TIMEOUT`. */
export function variableOf(path: readonly string[]): string {
  const words = path.flatMap((key) => key.replace(/([a-z])([A-Z])/g, "$1_$2").split(/[^A-Za-z0-9]+/));
  return PREFIX + words.join("_").toUpperCase();
}
