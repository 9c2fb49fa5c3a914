/**
 * The configuration with every value filled in, for people to read.
 *
 * @module
 */
import { z } from "zod";
import { explainOptions, PRESETS, type SubscriberOptions, type TopicOptions } from "../fanout/index.ts";
import { namedInFile } from "./file-names.ts";
import { isMap } from "./kinds.ts";
import type { Path } from "./said.ts";
import { configSchema } from "./schema/index.ts";
import { settled } from "./settled.ts";
import type { SpillwayConfig } from "./types.ts";

type Tree = { [key: string]: unknown };

/**
 * With every value filled in, in the names and units of a file. The values of presets are written out at the level that
 * names them; `topics` and `classes` have what they say themselves, as that is all that is theirs.
 */
export function effectiveConfig(config: SpillwayConfig): Record<string, unknown> {
  const tree: Tree = {};
  for (const { path, value } of settled(z.encode(configSchema, config)))
    if (value !== undefined) put(tree, path, value);
  if (config.hub?.preset !== undefined) put(tree, ["hub", "preset"], config.hub.preset);
  const { subscriber, topic } = explainOptions(config.hub ?? {}, [], undefined);
  for (const option of [...subscriber, ...topic]) {
    const { path, schema } = namedInFile(["hub", ...option.path]);
    // A priority is a class's own, and what is not said to linger is the topic's.
    if (schema !== undefined && option.value !== undefined) put(tree, path, z.encode(schema, option.value));
  }
  const levels: SpillwayConfig = {
    hub: {
      topics: spelledOut(config.hub?.topics, (preset) => preset),
      // What is retained is a topic's.
      classes: spelledOut(config.hub?.classes, withoutRetention),
    },
  };
  const { hub } = z.encode(configSchema, levels) as { readonly hub: object };
  return { ...tree, hub: { ...(tree.hub as object), ...hub } };
}

/** @param presetOf - what of a preset counts at such a level */
function spelledOut<O extends SubscriberOptions>(
  levels: Readonly<Record<string, O>> = {},
  presetOf: (preset: TopicOptions) => SubscriberOptions,
): Record<string, O> {
  return Object.fromEntries(
    Object.entries(levels).map(([name, options]) => {
      const preset: SubscriberOptions = options.preset === undefined ? {} : presetOf(PRESETS[options.preset]);
      const queue = preset.queue === undefined ? {} : { queue: { ...preset.queue, ...options.queue } };
      return [name, { ...preset, ...options, ...queue }];
    }),
  );
}

function withoutRetention({ retention: _, ...preset }: TopicOptions): SubscriberOptions {
  return preset;
}

function put(tree: Tree, path: Path, value: unknown): void {
  const [name, ...rest] = path.map(String);
  if (name === undefined) return;
  if (rest.length === 0) {
    tree[name] = value;
    return;
  }
  const inside = isMap(tree[name]) ? { ...tree[name] } : {};
  put(inside, rest, value);
  tree[name] = inside;
}
