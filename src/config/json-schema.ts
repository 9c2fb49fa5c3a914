import { z } from "zod";
import { isMap } from "./kinds.ts";
import { configSchema } from "./schema/index.ts";
import { defaultOf } from "./standard.ts";

type Json = { [key: string]: unknown };

/** JSON Schema of the file, draft 2020-12, for editors: it knows keys, types, defaults and what they mean. */
export function jsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(configSchema, {
    io: "input",
    override({ jsonSchema }) {
      // Says nothing but that JavaScript counts it.
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
    },
  }) as Json;
  addDefaults(schema, []);
  return { $schema: schema.$schema, title: "Spillway", ...schema };
}

/** Beside the `properties` of what has a place of its own in the file. */
function addDefaults(schema: Json, path: readonly string[]): void {
  if (path.length > 0 && !isMap(schema.properties)) {
    const value = defaultOf(path);
    if (value !== undefined) schema.default = value;
  }
  for (const [name, part] of Object.entries((schema.properties ?? {}) as Record<string, Json>)) {
    addDefaults(part, [...path, name]);
  }
  for (const part of (schema.anyOf ?? []) as readonly Json[]) {
    if (isMap(part.properties)) addDefaults(part, path);
  }
}
