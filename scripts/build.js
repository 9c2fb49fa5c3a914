// Compiles the whole checkout (library, tests, benches, examples) into dist/, from nothing each time, so that
// a file that was deleted or renamed never runs again from an old build.
import { spawnSync } from "node:child_process";
import { chmodSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);
const tsc = join(dirname(require.resolve("typescript/package.json")), "bin", "tsc");

rmSync(join(root, "dist"), { recursive: true, force: true });
const compiled = spawnSync(process.execPath, [tsc, "-p", root], { stdio: "inherit" });
if (compiled.status !== 0) process.exit(compiled.status ?? 1);
// npm sets this bit when it installs the package; a checkout that runs its own bin needs it too.
chmodSync(join(root, "dist", "src", "cli", "main.js"), 0o755);
