// Runs the compiled tests with the Node that runs this file: `node scripts/test.js [FOLDER OR FILE …]`,
// named as they lie in dist/test/ (default: all of them).
import { spawnSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const built = join(dirname(dirname(fileURLToPath(import.meta.url))), "dist", "test");
const wanted = process.argv.slice(2);
const files = (wanted.length > 0 ? wanted : ["."])
  .map((name) => join(built, name))
  .flatMap((path) =>
    statSync(path).isDirectory()
      ? readdirSync(path, { recursive: true }).map((entry) => join(path, String(entry)))
      : [path],
  )
  .filter((path) => path.endsWith(".test.js"))
  .sort();
// Two files at a time: the end-to-end tests fork processes of their own.
const run = spawnSync(
  process.execPath,
  ["--expose-gc", "--test", "--test-concurrency=2", "--test-timeout=120000", ...files],
  { stdio: "inherit" },
);
process.exit(run.status ?? 1);
