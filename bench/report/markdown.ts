/**
 * A report as Markdown, for a forge. What comes from results (names, reasons, versions) is escaped: a `|` or a `<` in it
 * must not become structure.
 *
 * @module
 */
import type { Block, Inline } from "./document.ts";
import type { Table } from "./table.ts";
import { NOTHING } from "./text.ts";

/** @param plotLink - where the file of a plot lies, as seen from where the Markdown will lie */
export function renderMarkdown(blocks: readonly Block[], plotLink: (name: string) => string): string {
  return `${blocks.map((block) => renderBlock(block, plotLink)).join("\n\n")}\n`;
}

function renderBlock(block: Block, plotLink: (name: string) => string): string {
  switch (block.kind) {
    case "heading":
      return `${"#".repeat(block.level)} ${escaped(block.text)}`;
    case "paragraph":
      return inline(block.text);
    case "warning":
      return `> **Note.** ${inline(block.text)}`;
    case "list":
      return block.items.map((item) => `- ${inline(item)}`).join("\n");
    case "code":
      return fenced(block.lines.join("\n"));
    case "table":
      return renderTable(block.table);
    case "plot":
      return `![${escaped(`${block.plot.title}. ${block.plot.about}`)}](${encodeURI(plotLink(block.plot.name))})`;
  }
}

function renderTable(table: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const rules = table.columns.map(({ align }) => (align === "right" ? "---:" : "---"));
  const bold = (cell: string, mark: string | undefined, first: boolean): string =>
    first && mark === "bad" && cell !== "" ? `**${cell}**` : cell;
  return [
    ...(table.title === "" ? [] : [`### ${escaped(table.title)}`]),
    ...(table.notes.length === 0 ? [] : [table.notes.map(escaped).join(" ")]),
    table.rows.length === 0
      ? "Nothing was measured."
      : [
          line(table.columns.map(({ title }) => escaped(title))),
          line(rules),
          ...table.rows.map((row) =>
            line(
              row.cells.map((cell, index) =>
                bold(cell === NOTHING ? "" : escaped(cell), row.mark, index === 0),
              ),
            ),
          ),
        ].join("\n"),
  ].join("\n\n");
}

function inline(pieces: Inline): string {
  return pieces.map((piece) => (typeof piece === "string" ? escaped(piece) : code(piece.code))).join("");
}

function fenced(text: string): string {
  const fence = "`".repeat(Math.max(3, longestRun(text) + 1));
  return [`${fence}sh`, text, fence].join("\n");
}

/** Of backticks: a fence must be longer than any in what it holds. */
function longestRun(text: string): number {
  return Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
}

function code(text: string): string {
  const longest = longestRun(text);
  const fence = "`".repeat(longest + 1);
  const pad = longest > 0 ? " " : "";
  return `${fence}${pad}${text.replaceAll("\n", " ")}${pad}${fence}`;
}

function escaped(text: string): string {
  return text
    .replace(/\s*\n\s*/g, " ")
    .replace(/[\\`*_{}[\]|<>~]/g, "\\$&")
    .replace(/&(?=[\w#])/g, "&amp;");
}
