/**
 * The configuration, option by option: names and units as in a file, one sentence each for people. Defaults stand in
 * `defaults.ts`; an option that code has and a section here has not does not compile.
 *
 * @module
 */
import { section } from "../structures.ts";
import type { SpillwayConfig } from "../types.ts";
import { text } from "../values.ts";
import { hubSchema } from "./hub.ts";
import { adminSchema, logSchema, metricsSchema } from "./operations.ts";
import { serverSchema } from "./server.ts";

/** Where editors look for the JSON Schema. Says nothing. */
interface SchemaReference {
  readonly $schema?: string;
}

export const configSchema = section<SpillwayConfig & SchemaReference>(
  {
    $schema: text("Where the JSON Schema of this file is, for editors. Changes nothing."),
    server: serverSchema,
    hub: hubSchema,
    metrics: metricsSchema,
    admin: adminSchema,
    log: logSchema,
  },
  "Configuration of Spillway.",
);
