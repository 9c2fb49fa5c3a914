/**
 * A configuration with every value filled in, as a list of options: for telling what differs between two.
 *
 * @module
 */
import { stringify } from "yaml";
import { effectiveConfig, formatPath, type SpillwayConfig } from "../../../src/config/index.ts";

/** By their paths: `hub.topics."prices.>".queue.messages`. Lists count as a whole, as they do in a file. */
export function effectiveOptions(config: SpillwayConfig): Readonly<Record<string, string>> {
  return Object.fromEntries(leaves(effectiveConfig(config), []));
}

function* leaves(value: unknown, path: readonly string[]): Iterable<[path: string, value: string]> {
  if (!isTree(value) || Object.keys(value).length === 0) {
    yield [formatPath(path), inOneLine(value)];
    return;
  }
  for (const [name, inner] of Object.entries(value)) yield* leaves(inner, [...path, name]);
}

function isTree(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function inOneLine(value: unknown): string {
  return stringify(value, { collectionStyle: "flow", lineWidth: 0 }).trim();
}
