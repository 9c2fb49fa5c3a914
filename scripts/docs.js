// Writes what is made from the schema of the configuration: config.schema.json and docs/configuration.md. The tests
// fail when these are not what it would write. `npm run docs`
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { configurationReference, jsonSchema } from "../dist/src/config/index.js";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
writeFileSync(join(root, "config.schema.json"), `${JSON.stringify(jsonSchema(), null, 2)}\n`);
writeFileSync(join(root, "docs", "configuration.md"), configurationReference());
