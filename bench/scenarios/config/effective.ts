/**
 * A configuration with every value filled in, as a list of options: for telling what differs between two, as a whole and for
 * some clients.
 *
 * @module
 */
import { stringify } from "yaml";
import {
  effectiveConfig,
  explainConfig,
  formatPath,
  type LoadedConfig,
  type SpillwayConfig,
} from "../../../src/config/index.ts";

/** By their paths: `hub.topics."prices.>".queue.messages`. Lists count as a whole, as they do in a file. */
export function effectiveOptions(config: SpillwayConfig): Readonly<Record<string, string>> {
  return Object.fromEntries(leaves(effectiveConfig(config), []));
}

/** What counts for the subscribers of a topic and of a class, where there is one of that name. */
export function optionsFor(
  loaded: LoadedConfig,
  topic: string,
  className: string | undefined,
): Readonly<Record<string, string>> {
  const isKnown = className !== undefined && Object.hasOwn(loaded.config.hub?.classes ?? {}, className);
  const whom = { patterns: [topic], className: isKnown ? className : undefined };
  const { subscriber, topic: ofTopic, common } = explainConfig(loaded, whom);
  const measured = common.filter(
    ({ option }) => /^(hub|server)\./.test(option) && option !== "server.listen",
  );
  return Object.fromEntries(
    [...subscriber, ...ofTopic, ...measured].map(({ option, value }) => [option, value]),
  );
}

function* leaves(value: unknown, path: readonly string[]): Iterable<[path: string, value: string]> {
  if (!isTree(value)) {
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
