import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { measureInFreshProcess, measureTogether } from "../../../bench/micro/fresh-process.ts";
import { runMicro } from "../../../bench/micro/index.ts";
import type { Level, Table } from "../../../bench/micro/table.ts";
import { TABLES } from "../../../bench/micro/tables.ts";

const LEVELS: readonly Level[] = ["headline", "full"];
/** As little as there is: whether it works at all. */
const BUDGET = { warmupMs: 0, timeMs: 0 };

const namesOf = (table: Table, level: Level) => table.rows(level).map(({ name }) => name);

describe("the tables of the micro-benchmarks", () => {
  it("have names of their own, and so have the rows of each", () => {
    assert.equal(new Set(TABLES.map(({ name }) => name)).size, TABLES.length);
    for (const table of TABLES) {
      for (const level of LEVELS) {
        const names = namesOf(table, level);
        assert.equal(new Set(names).size, names.length, table.name);
      }
    }
  });

  it("have in the headline only rows that are in the full run too", () => {
    for (const table of TABLES) {
      const full = namesOf(table, "full");
      for (const name of namesOf(table, "headline")) assert.ok(full.includes(name), `${table.name}: ${name}`);
    }
  });

  it("have the row that they are read from at every level", () => {
    for (const table of TABLES) {
      if (table.reference === undefined) continue;
      for (const level of LEVELS) {
        const names = namesOf(table, level);
        assert.ok(names.length === 0 || names.includes(table.reference), `${table.name}, ${level}`);
      }
    }
  });

  it("are found by the process that measures a row: each in the module that it names", async () => {
    for (const table of TABLES) {
      const { tables } = (await import(table.module)) as { tables: readonly Table[] };
      assert.ok(tables.includes(table), table.name);
    }
  });
});

describe("a row", () => {
  for (const table of TABLES) {
    // What counts bytes needs a process with flags; the gate has those.
    if (table.bytesOnly) continue;
    const row = table.rows("full").find(({ name }) => name === table.reference) ?? table.rows("full")[0];
    assert.ok(row);
    it(`of "${table.name}" can be measured: ${row.name}`, async () => {
      const { nanoseconds, marginPercent } = await row.measure(BUDGET);
      assert.ok(nanoseconds > 0 && marginPercent >= 0, `${nanoseconds} ns ± ${marginPercent} %`);
    });
  }

  it("that is measured in turns with the others of its table is named in what no process could measure", async () => {
    const [table] = TABLES;
    assert.ok(table);
    const missing = { ...table, name: "no such table" };
    await assert.rejects(measureTogether(missing, "full", BUDGET), /no such table could not be measured/);
  });

  it("that cannot be measured says which, and why", async () => {
    const [table] = TABLES;
    assert.ok(table);
    const missing = { name: "no such row", measure: () => Promise.reject(new Error("not here")) };
    await assert.rejects(measureInFreshProcess(table, missing, "full", BUDGET), /no such row/);
  });
});

describe("runMicro", () => {
  it("measures the tables that the filter names, in fresh processes", async () => {
    const measured = [];
    for await (const table of runMicro("headline", "queue, alone")) measured.push(table);
    assert.deepEqual(
      measured.map(({ name, rows }) => [name, rows.map((row) => row.name)]),
      TABLES.filter(({ name }) => name === "queue, alone").map((table) => [
        table.name,
        namesOf(table, "headline"),
      ]),
    );
    assert.equal(measured.length, 1);
    for (const { nanoseconds } of measured[0]!.rows) assert.ok(nanoseconds > 0);
  });
});

describe("the program for a profiler", () => {
  const program = fileURLToPath(new URL("../../../bench/micro/profile.js", import.meta.url));
  const profile = (...args: string[]) => promisify(execFile)(process.execPath, [program, ...args]);

  for (const how of [[], ["--grpc"]]) {
    it(`delivers to everybody, ${how.length > 0 ? "over gRPC" : "in process"}`, async () => {
      const { stdout } = await profile(...how, "3", "2", "0.05");
      const deliveries = Number(/^(\d+) deliveries/.exec(stdout)?.[1]);
      assert.ok(deliveries > 0 && deliveries % 6 === 0, stdout);
    });
  }

  it("refuses numbers that are none", async () => {
    await assert.rejects(profile("many"), /expected numbers/);
  });
});
