import { z } from "zod";
import {
  HUB_DEFAULTS,
  OPERATIONS_DEFAULTS,
  RETENTION_DEFAULTS,
  SERVER_DEFAULTS,
  SUBSCRIBER_DEFAULTS,
} from "../defaults.ts";
import { type Path, valueAt } from "./said.ts";
import { configSchema } from "./schema/index.ts";
import { topicShape } from "./schema/subscribers.ts";
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

/** Both forms of it; they have no field in common. */
const RETENTION_FILE = {
  ...(z.encode(topicShape.retention, RETENTION_DEFAULTS.sequential) as object),
  ...(z.encode(topicShape.retention, { latestPerKey: true, ...RETENTION_DEFAULTS.compacted }) as object),
};

/** The same for the parts of what is off by default: what counts when it is on and they are not said. */
export function defaultOf(path: Path): unknown {
  const [name = "", owner] = path.toReversed();
  return (
    standardAt(path) ??
    (owner === "retention" && name !== "latestPerKey" ? valueAt(RETENTION_FILE, [name]) : undefined)
  );
}
