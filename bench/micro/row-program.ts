// Measures the one row that its argument orders, tells whoever forked it, and ends.
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
  const row = table?.rows(order.level).find(({ name }) => name === order.row);
  if (row === undefined) throw new Error(`there is no row ${order.row} in ${order.table}`);
  return { measurement: await row.measure(order.budget) };
}
