/**
 * Measures one row in a process of its own: nothing that was measured before has shaped the machine code, the types
 * that a call site has seen, or the heap.
 *
 * @module
 */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Budget, Level, Measurement, Row, Table } from "./table.ts";

const PROGRAM = fileURLToPath(new URL("./row-program.js", import.meta.url));

/** What the process is told. */
export interface Order {
  /** Of the table. */
  readonly module: string;
  readonly table: string;
  readonly row: string;
  readonly level: Level;
  readonly budget: Budget;
}

/** What it answers. */
export type Answer = { readonly measurement: Measurement } | { readonly error: string };

/**
 * @param row - one that the table has at that level
 * @throws Error when the row could not be measured
 */
export function measureInFreshProcess(
  table: Table,
  row: Row,
  level: Level,
  budget: Budget,
): Promise<Measurement> {
  const order: Order = { module: table.module, table: table.name, row: row.name, level, budget };
  const child = fork(PROGRAM, [JSON.stringify(order)], {
    execArgv: ["--expose-gc", ...(row.execArgv ?? [])],
  });
  return new Promise((resolve, reject) => {
    let answer: Answer | undefined;
    child.on("message", (message) => {
      answer = message as Answer;
    });
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      if (answer !== undefined && "measurement" in answer) resolve(answer.measurement);
      else {
        const why = answer?.error ?? `its process ended with ${signal ?? code}`;
        reject(new Error(`${order.table} / ${order.row} could not be measured: ${why}`));
      }
    });
  });
}
