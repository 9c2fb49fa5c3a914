/**
 * The options that are the same for everybody, as they count.
 *
 * @module
 */
import type { z } from "zod";
import { kindOf } from "./kinds.ts";
import { OPTIONS, type Option } from "./options.ts";
import { formatPath, type Path, valueAt } from "./said.ts";
import { topicShape } from "./schema/subscribers.ts";
import { standardAt } from "./standard.ts";

/** An option as it counts. */
export interface Settled {
  readonly path: readonly string[];
  readonly schema: z.ZodType;
  /** As a file says it; `undefined`: nothing counts. */
  readonly value: unknown;
  /** The option that says it; `undefined`: it is the default. */
  readonly from: Path | undefined;
}

/** What counts where a service of the server says nothing itself. */
export const FALLBACKS: Readonly<Record<string, Path>> = {
  "server.fanout.endGrace": ["server", "endGrace"],
  "server.fanout.batching": ["server", "batching"],
  "server.longlived.endGrace": ["server", "endGrace"],
  "server.longlived.batching": ["server", "batching"],
};

/** @param said - the whole configuration as a file says it */
export function* settled(said: unknown): Iterable<Settled> {
  for (const option of OPTIONS) {
    if (differs(option.path) || isLeftOut(option, said)) continue;
    const { path, schema } = option;
    // What it is made of follows by itself.
    if (kindOf(schema).is === "choice" && valueAt(said, path) !== false) continue;
    const counts = settle(said, path);
    // The defaults of grpc-js are its own affair.
    if (counts.value === undefined && path[1] === "channelOptions") continue;
    yield { path, schema, ...counts };
  }
}

/** Whether it can differ by topic and class. */
function differs([section, name = ""]: readonly string[]): boolean {
  return section === "hub" && (Object.hasOwn(topicShape, name) || name === "topics" || name === "classes");
}

function isLeftOut({ within }: Option, said: unknown): boolean {
  return within !== undefined && valueAt(said, within.path) === false;
}

function settle(said: unknown, path: Path): { readonly value: unknown; readonly from: Path | undefined } {
  const value = valueAt(said, path);
  if (value !== undefined) return { value, from: path };
  const fallback = FALLBACKS[formatPath(path)];
  return fallback === undefined ? { value: standardAt(path), from: undefined } : settle(said, fallback);
}
