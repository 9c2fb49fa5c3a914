/**
 * Measures one row, or the rows of a table that are measured in turns, in a process of its own: nothing that was measured before has shaped the machine code, the types
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
  /** None: all rows in turns. */
  readonly row?: string;
  readonly level: Level;
  readonly budget: Budget;
}

/** What it answers. */
export type Answer = { readonly measurements: readonly Measurement[] } | { readonly error: string };

/**
 * @param row - one that the table has at that level
 * @throws Error when the row could not be measured
 */
export async function measureInFreshProcess(
  table: Table,
  row: Row,
  level: Level,
  budget: Budget,
): Promise<Measurement> {
  const order: Order = { module: table.module, table: table.name, row: row.name, level, budget };
  const [measurement] = await answerTo(order, row.execArgv);
  return measurement!;
}

/**
 * @returns in the order of the rows
 * @throws Error when they could not be measured
 */
export function measureTogether(table: Table, level: Level, budget: Budget): Promise<readonly Measurement[]> {
  return answerTo({ module: table.module, table: table.name, level, budget });
}

function answerTo(order: Order, execArgv: readonly string[] = []): Promise<readonly Measurement[]> {
  const child = fork(PROGRAM, [JSON.stringify(order)], { execArgv: ["--expose-gc", ...execArgv] });
  return new Promise((resolve, reject) => {
    let answer: Answer | undefined;
    child.on("message", (message) => {
      answer = message as Answer;
    });
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      if (answer !== undefined && "measurements" in answer) resolve(answer.measurements);
      else {
        const why = answer?.error ?? `its process ended with ${signal ?? code}`;
        reject(
          new Error(`${[order.table, order.row ?? []].flat().join(" / ")} could not be measured: ${why}`),
        );
      }
    });
  });
}
