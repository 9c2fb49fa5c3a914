/**
 * Prints the micro-benchmarks alone: `node --expose-gc dist/bench/micro/main.js [--full] [FILTER]`, where FILTER is a part
 * of the names of tables.
 *
 * @module
 */
import { parseArgs } from "node:util";
import type { MicroTable } from "../results.ts";
import { runMicro } from "./index.ts";

const { values, positionals } = parseArgs({
  options: { full: { type: "boolean", default: false } },
  allowPositionals: true,
});
for await (const table of runMicro(values.full ? "full" : "headline", positionals[0])) print(table);

function print({ name, operation, reference, bytesOnly, rows }: MicroTable): void {
  const base = rows.find((row) => row.name === reference)?.nanoseconds;
  console.log(`\n${name}: ${operation}`);
  console.table(
    Object.fromEntries(
      rows.map(({ name, nanoseconds, marginPercent, allocatedBytes, heldBytes }) => [
        name,
        {
          ...(bytesOnly ? {} : { ns: rounded(nanoseconds), "± %": rounded(marginPercent) }),
          ...(base === undefined ? {} : { ratio: rounded(nanoseconds / base) }),
          ...(allocatedBytes === undefined ? {} : { "bytes allocated": rounded(allocatedBytes) }),
          ...(heldBytes === undefined ? {} : { "bytes held": rounded(heldBytes) }),
        },
      ]),
    ),
  );
}

/** To three digits. */
function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
