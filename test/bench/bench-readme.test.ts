import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { loadSystem, SYSTEM_MODULES } from "../../bench/systems/index.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { fulfilsTheContract } from "./system-contract.ts";

failOnLeaks();

const root = fileURLToPath(new URL("../../..", import.meta.url));
const readme = readFileSync(join(root, "bench", "README.md"), "utf8");
const [example = ""] = [...readme.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code]) => code);

const scratch = mkdtempSync(join(root, "dist", "bench-readme-"));
after(() => rmSync(scratch, { recursive: true }));
const path = join(scratch, "my-system.mjs");
writeFileSync(path, example);

describe("the benchmark's README", () => {
  it("has a row for every system, with what it says of itself", async () => {
    const systems = await Promise.all(SYSTEM_MODULES.map(loadSystem));
    const rows = [...readme.matchAll(/^\| `([\w-]+)` +\| (\w+) +\| (.*?) +\|/gm)].map(
      ([, name, kind, about]) => ({ name, kind, about }),
    );
    assert.deepEqual(
      rows,
      systems.map(({ name, kind, about }) => ({ name, kind, about })),
    );
  });

  it("shows a whole system in no more than fifty lines", () => {
    assert.ok(example.trim().split("\n").length <= 50);
  });
});

// What it shows is a system like any other.
fulfilsTheContract(await loadSystem(path));
