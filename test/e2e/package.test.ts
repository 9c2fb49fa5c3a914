/** What a user gets: the tarball that `npm pack` makes, and `npx spillway` in a checkout. Nothing needs a network. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { failOnLeaks } from "../support/leaks.ts";

failOnLeaks();

const run = promisify(execFile);
const root = dirname(fileURLToPath(import.meta.resolve("spillway/package.json")));
const { version, exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  readonly version: string;
  readonly exports: Readonly<Record<string, unknown>>;
};

function emptyFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "spillway-package-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/**
 * npm, told not to ask any registry, and to leave nothing in the user's own cache. Nor must it run the `prepare` of
 * this checkout, as it does for the first `npx` in it: that builds `dist/` anew, and this test runs from there.
 */
function offline(cache: string): NodeJS.ProcessEnv {
  return {
    ...process.env,
    npm_config_offline: "true",
    npm_config_cache: cache,
    npm_config_ignore_scripts: "true",
  };
}

test("npx spillway in a checkout runs the checkout's own command", async (t) => {
  const env = offline(emptyFolder(t));
  const { stdout } = await run("npx", ["spillway", "--version"], { cwd: root, env });
  assert.equal(stdout, `${version}\n`);
});

test("the tarball has the command, every entry point, and the contracts that they load", async (t) => {
  const folder = emptyFolder(t);
  const env = offline(join(folder, "cache"));
  const pack = ["pack", "--silent", "--pack-destination", folder];
  await run("npm", pack, { cwd: root, env });
  const modules = join(folder, "node_modules");
  mkdirSync(modules);
  await run("tar", ["-xzf", join(folder, `spillway-${version}.tgz`), "-C", modules]);
  const installed = join(modules, "spillway");
  renameSync(join(modules, "package"), installed);
  // Its dependencies as they are here: fetching them is npm's business.
  symlinkSync(join(root, "node_modules"), join(installed, "node_modules"));

  const command = join(installed, "dist/src/cli/main.js");
  assert.equal((await run(process.execPath, [command, "--version"])).stdout, `${version}\n`);

  const entries = Object.keys(exports).filter((entry) => !/\*|json$/.test(entry));
  const program = `
    for (const entry of ${JSON.stringify(entries)}) await import("spillway" + entry.slice(1));
    const { loadContracts } = await import("spillway/grpc");
    console.log(import.meta.resolve("spillway"), Object.keys(loadContracts().longlived).join());
  `;
  const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", program], { cwd: folder });
  assert.match(stdout, /node_modules\/spillway\/dist\/src\/index\.js Subscribe,Unsubscribe\n$/);
});
