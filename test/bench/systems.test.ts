import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { isBuilt } from "../../bench/systems/grpc-go.ts";
import { loadSystem, SYSTEM_MODULES } from "../../bench/systems/index.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { fulfilsTheContract } from "./system-contract.ts";

failOnLeaks();

const systems = await Promise.all(SYSTEM_MODULES.map(loadSystem));
const WAITING = ["sequential-await", "drain-all"];
/** Systems that need a program of their own, and the package that has it. */
const PROGRAMS: Readonly<Record<string, string>> = {
  nats: "nats-server",
  redis: "redis-server",
  "grpc-go": "golang-google-grpc-dev",
};

describe("the systems", () => {
  it("each have a name of their own, which is that of their module", () => {
    const names = systems.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    assert.deepEqual(
      SYSTEM_MODULES.map((url) => /([\w-]+)\.js$/.exec(url)?.[1]),
      names,
    );
  });

  it("are ours once, and say in one line each what they do", () => {
    assert.equal(systems.filter(({ kind }) => kind === "ours").length, 1);
    for (const { about } of systems) assert.match(about, /^[^\n]{10,90}$/);
  });

  it("say what to install where their program is missing", async () => {
    const empty = mkdtempSync(join(tmpdir(), "no-programs-"));
    const path = process.env.PATH;
    process.env.PATH = empty;
    try {
      for (const system of systems) {
        const found = await system.probe();
        const program = PROGRAMS[system.name];
        if (program === undefined) assert.ok("version" in found, system.name);
        else {
          assert.ok("unavailable" in found, system.name);
          assert.match(found.unavailable, new RegExp(`apt-get install .*${program}`));
        }
      }
    } finally {
      process.env.PATH = path;
      rmSync(empty, { recursive: true });
    }
  });
});

for (const system of systems) {
  // To build it is no matter of seconds: a run of the benchmark does it.
  const ready = system.name !== "grpc-go" || isBuilt();
  const available = ready && "version" in (await system.probe());
  if (available) fulfilsTheContract(system, { waitsForTheSlow: WAITING.includes(system.name) });
}
