import { z } from "zod";
import { HUB_DEFAULTS, OPERATIONS_DEFAULTS, SERVER_DEFAULTS, SUBSCRIBER_DEFAULTS } from "../defaults.ts";
import { type Path, valueAt } from "./said.ts";
import { configSchema } from "./schema/index.ts";
import type { SpillwayConfig } from "./types.ts";

/** Saying this changes nothing. What is not here has no default: it is off, or as something else says. */
export const STANDARD: SpillwayConfig = standard();

/** The same, as a file says it. */
export const STANDARD_FILE: Readonly<Record<string, unknown>> = z.encode(configSchema, STANDARD) as Record<
  string,
  unknown
>;

function standard(): SpillwayConfig {
  // Identity is no data, `close()` is no option, and a priority is a class's own.
  const { lastOffset: _, drainTimeoutMs: __, ...hub } = HUB_DEFAULTS;
  const { priority: ___, ...subscribers } = SUBSCRIBER_DEFAULTS;
  const { metrics: ____, ...operations } = OPERATIONS_DEFAULTS;
  return { server: SERVER_DEFAULTS, hub: { ...subscribers, ...hub, topics: {}, classes: {} }, ...operations };
}

/** What a file would say of an option to change nothing; `undefined`: nothing. */
export function standardAt(path: Path): unknown {
  return valueAt(STANDARD_FILE, path);
}
