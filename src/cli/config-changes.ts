/**
 * What differs between two configurations, value by value, for people: `hub.queue.messages: 1024 -> 512`.
 *
 * @module
 */
import { effectiveConfig, formatPath, inWords, type Path, type SpillwayConfig } from "../config/index.ts";

export interface Change {
  /** As in the file. */
  readonly path: Path;
  /** `hub.queue.messages: 1024 -> 512`. */
  readonly text: string;
}

/** In the order of the file: first what was said before, then what is new. */
export function changesBetween(before: SpillwayConfig, after: SpillwayConfig): readonly Change[] {
  const old = values(effectiveConfig(before));
  const now = values(effectiveConfig(after));
  return [...new Map([...old, ...now])]
    .map(([name, { path }]) => ({ name, path, from: old.get(name)?.text, to: now.get(name)?.text }))
    .filter(({ from, to }) => from !== to)
    .map(({ name, path, from = "unset", to = "unset" }) => ({ path, text: `${name}: ${from} -> ${to}` }));
}

interface Value {
  readonly path: Path;
  readonly text: string;
}

/** By their path as text. */
function values(given: unknown, path: Path = []): ReadonlyMap<string, Value> {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    return new Map([[formatPath(path), { path, text: inWords(given) }]]);
  }
  return new Map(Object.entries(given).flatMap(([key, part]) => [...values(part, [...path, key])]));
}
