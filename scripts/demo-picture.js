// Plays the demo and writes what its screen showed as an SVG: the table in the middle of the freeze, and the
// summary. `npm run build && node scripts/demo-picture.js > docs/demo.svg`
import { setMaxListeners } from "node:events";
import { Crew } from "../dist/examples/demo/crew.js";
import { play } from "../dist/examples/demo/story.js";
import { summarize } from "../dist/examples/demo/summary.js";
import { renderTable } from "../dist/examples/demo/table.js";
import { judge } from "../dist/examples/demo/verdict.js";

const COLOURS = { red: "#ff7b72", green: "#7ee787", yellow: "#e3b341", cyan: "#79c0ff", dim: "#8b949e" };
const CHARACTER = 8.43;
const LINE = 19;
const MARGIN = 22;

// Marks that survive until the text is escaped, one per style.
const paint = (style, text) => `\uE000${style}\uE001${text}\uE002`;

const stop = new AbortController();
setMaxListeners(0, stop.signal);
const crew = new Crew((why) => stop.abort(new Error(why)));
let frozen = "";
const screen = {
  paint,
  show(view) {
    if (view.phase === "frozen") frozen = renderTable(view, paint);
  },
  close() {},
};
try {
  const evidence = await play(crew, screen, stop.signal);
  const verdict = judge(evidence);
  process.exitCode = verdict.passed ? 0 : 1;
  process.stdout.write(picture(`${frozen}${summarize(evidence, verdict, paint)}`.split("\n")));
} finally {
  await crew.dismiss();
}

function picture(lines) {
  const width = Math.ceil(Math.max(...lines.map((line) => plain(line).length)) * CHARACTER + 2 * MARGIN);
  const height = lines.length * LINE + 2 * MARGIN;
  const texts = lines.map((line, index) => {
    const y = MARGIN + (index + 0.75) * LINE;
    return line === "" ? "" : `<text x="${MARGIN}" y="${y}">${spans(line)}</text>\n`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>The demo: its table while client 11 is frozen, and its summary</title>
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14" fill="#e6edf3" style="white-space: pre" xml:space="preserve">
${texts.join("")}</g>
</svg>
`;
}

function plain(line) {
  return line.replace(/\uE000\w+\uE001|\uE002/g, "");
}

function spans(line) {
  return line
    .replace(/&/g, "&amp;")
    .replace(/</g, "&lt;")
    .replace(/\uE000(\w+)\uE001/g, (_, style) =>
      style === "bold" ? '<tspan font-weight="bold">' : `<tspan fill="${COLOURS[style]}">`,
    )
    .replace(/\uE002/g, "</tspan>");
}
