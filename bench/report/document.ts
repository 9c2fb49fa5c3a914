/** A report before it is Markdown or HTML. Both say the same, because both are made from this. @module */
import type { Plot } from "./plots/index.ts";
import type { Table } from "./table.ts";

/** Text; what stands in an object is code. Everything is escaped where it is written down. */
export type Inline = readonly (string | { readonly code: string })[];

export type Block =
  | { readonly kind: "heading"; readonly level: 1 | 2 | 3; readonly text: string }
  | { readonly kind: "paragraph"; readonly text: Inline }
  | { readonly kind: "warning"; readonly text: Inline }
  | { readonly kind: "list"; readonly items: readonly Inline[] }
  | { readonly kind: "code"; readonly lines: readonly string[] }
  | { readonly kind: "table"; readonly table: Table }
  | { readonly kind: "plot"; readonly plot: Plot };
