// Measures what its argument orders, a row or the rows of a table in turns, tells whoever forked it, and ends.
import type { Answer, Order } from "./fresh-process.ts";
import type { Table } from "./table.ts";

const order = JSON.parse(process.argv[2] ?? "{}") as Order;
// Nobody is left to tell.
process.once("disconnect", () => process.exit());
const answer = await measure().catch((error: unknown): Answer => {
  return { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
});
process.send?.(answer, () => process.exit());

async function measure(): Promise<Answer> {
  const { tables } = (await import(order.module)) as { readonly tables: readonly Table[] };
  const table = tables.find(({ name }) => name === order.table);
  if (order.row === undefined) {
    if (table?.together === undefined) throw new Error(`${order.table} is not measured in turns`);
    return { measurements: await table.together(order.level) };
  }
  const row = table?.rows(order.level).find(({ name }) => name === order.row);
  if (row === undefined) throw new Error(`there is no row ${order.row} in ${order.table}`);
  return { measurements: [await row.measure(order.budget)] };
}
