/**
 * A report as one HTML file that needs nothing else: no script, no font, no image from elsewhere. Reads on a phone
 * (tables scroll within themselves) and on paper, by day and by night; plots keep a white ground in both.
 *
 * @module
 */
import type { Block, Inline } from "./document.ts";
import type { Table } from "./table.ts";

export function renderHtml(blocks: readonly Block[]): string {
  const title = blocks.find((block) => block.kind === "heading")?.text ?? "Report";
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${blocks.map(renderBlock).join("\n")}
</main>
</body>
</html>
`;
}

const STYLE = `
:root { color-scheme: light dark; --ink: #1b1f24; --ground: #fff; --line: #d5dae0; --soft: #5b6570; --band: #f4f6f8;
  --good: #116329; --bad: #b3261e; --weak: #7a5200; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ec; --ground: #14181d; --line: #353c45; --soft: #9aa5b1;
  --band: #1c2229; --good: #6fd08c; --bad: #ff8a80; --weak: #e3b341; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, "Segoe UI", Helvetica, Arial, sans-serif; }
main { max-width: 75rem; margin: 0 auto; padding: 1rem; }
h1, h2, h3 { line-height: 1.25; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); padding-bottom: .3rem; }
code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: .9em; }
pre { background: var(--band); padding: .75rem; overflow-x: auto; border-radius: 6px; }
.warning { border-left: 4px solid var(--bad); padding: .5rem .75rem; background: var(--band); }
.note { color: var(--soft); margin: .25rem 0; font-size: .9rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 600; vertical-align: bottom; }
.right { text-align: right; white-space: nowrap; }
tr.good td:first-child { color: var(--good); }
tr.bad td:first-child { color: var(--bad); font-weight: 600; }
tr.weak td:first-child { color: var(--weak); }
figure { margin: 1.5rem 0; }
figure svg { max-width: 100%; height: auto; border-radius: 6px; background: #fff; }
figcaption { color: var(--soft); font-size: .9rem; }
@media print { :root { --ink: #000; --ground: #fff; --line: #bbb; --soft: #444; --band: #fff; --good: #116329;
  --bad: #b3261e; --weak: #7a5200; }
  main { max-width: none; padding: 0; } .scroll { overflow: visible; } table { font-size: 6.5pt; }
  th, td { padding: .1rem .25rem; } .right { white-space: normal; } tr, figure { break-inside: avoid; }
  h2, h3 { break-after: avoid; } }
`;

function renderBlock(block: Block): string {
  switch (block.kind) {
    case "heading":
      return `<h${block.level}>${escaped(block.text)}</h${block.level}>`;
    case "paragraph":
      return `<p>${inline(block.text)}</p>`;
    case "warning":
      return `<p class="warning"><strong>Note.</strong> ${inline(block.text)}</p>`;
    case "list":
      return `<ul>\n${block.items.map((item) => `<li>${inline(item)}</li>`).join("\n")}\n</ul>`;
    case "code":
      return `<pre>${escaped(block.lines.join("\n"))}</pre>`;
    case "table":
      return renderTable(block.table);
    case "plot":
      return `<figure>\n${block.plot.svg}\n<figcaption>${escaped(block.plot.about)}</figcaption>\n</figure>`;
  }
}

function renderTable(table: Table): string {
  const heading = table.title === "" ? "" : `<h3>${escaped(table.title)}</h3>`;
  const notes = table.notes.map((note) => `<p class="note">${escaped(note)}</p>`).join("\n");
  if (table.rows.length === 0) return `${heading}\n${notes}\n<p>Nothing was measured.</p>`;
  const side = (index: number): string => (table.columns[index]!.align === "right" ? ' class="right"' : "");
  const head = table.columns.map(
    ({ title }, index) => `<th scope="col"${side(index)}>${escaped(title)}</th>`,
  );
  const rows = table.rows.map((row) => {
    const cells = row.cells.map((cell, index) => `<td${side(index)}>${escaped(cell)}</td>`);
    return `<tr${row.mark === undefined ? "" : ` class="${row.mark}"`}>${cells.join("")}</tr>`;
  });
  return `${heading}\n${notes}
<div class="scroll"><table>
<thead><tr>${head.join("")}</tr></thead>
<tbody>
${rows.join("\n")}
</tbody>
</table></div>`;
}

function inline(pieces: Inline): string {
  return pieces
    .map((piece) => (typeof piece === "string" ? escaped(piece) : `<code>${escaped(piece.code)}</code>`))
    .join("");
}

function escaped(text: string): string {
  return text
    .replace(/&/g, "&amp;")
    .replace(/</g, "&lt;")
    .replace(/>/g, "&gt;")
    .replace(/"/g, "&quot;")
    .replace(/'/g, "&#39;");
}
