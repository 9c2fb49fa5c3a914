/** The view as a table, for a terminal, and as one line, for everything else. Pure. @module */
import { duration, kibibytes, type Paint, seconds, whole } from "./text.ts";
import { PHASES, type Row, type View } from "./view.ts";

export function renderTable(view: View, paint: Paint): string {
  const machine = [...view.machine].map(([name, reading]) => `${name} ${reading}`).join("  ");
  return [
    `${paint("bold", "spillway demo")}  ${view.address ?? "starting"}  ${paint("dim", seconds(view.elapsedMs))}`,
    machine === "" ? "" : paint("dim", `this machine, live: ${machine}`),
    renderPhases(view, paint),
    "",
    paint("dim", COLUMNS.join("")),
    ...view.rows.map((row) => renderRow(row, paint)),
    "",
  ].join("\n");
}

const COLUMNS = [
  "client".padEnd(22),
  "received".padStart(9),
  "queue".padStart(16),
  "lag".padStart(9),
  "dropped".padStart(9),
  "  state",
];

function renderPhases(view: View, paint: Paint): string {
  const now = PHASES.indexOf(view.phase);
  const again = view.trial > 1 ? paint("dim", "   (again: the machine was disturbed)") : "";
  const phases = PHASES.map((phase, index) => {
    if (index < now || (phase === view.phase && phase === "done")) return paint("green", `${phase} ✓`);
    if (index > now) return paint("dim", phase);
    return paint(phase === "frozen" ? "yellow" : "cyan", `▸ ${phase} ${seconds(view.phaseElapsedMs)}`);
  });
  return phases.join("   ") + again;
}

function renderRow(row: Row, paint: Paint): string {
  const queue = row.queued === 0 ? "0" : `${row.queued} (${kibibytes(row.queuedBytes)})`;
  const line = [
    `${String(row.id).padStart(2)} ${row.contract}`.padEnd(22),
    whole(row.received).padStart(9),
    queue.padStart(16),
    duration(row.lagMs).padStart(9),
    whole(row.dropped).padStart(9),
    `  ${row.state}`,
  ].join("");
  return row.troubled ? paint("yellow", line) : line;
}

/** Names the columns of {@link renderLine}. */
export function renderLineHeader(): string {
  const columns = "received".padStart(9) + "queue".padStart(6) + "lag".padStart(8) + "dropped".padStart(8);
  return [
    `${"".padStart(16)} |  clients 1 to 10: the worst of each column    |  client 11`,
    `${"time".padStart(6)}  ${"phase".padEnd(8)} |${columns}  ${"state".padEnd(STATE_WIDTH)} |${columns}  state`,
  ].join("\n");
}

const STATE_WIDTH = 11;

/** The healthy clients in one: the worst of each column. */
export function renderLine(view: View): string {
  const healthy = view.rows.slice(0, -1);
  const frozen = view.rows.at(-1);
  const worst = (pick: (row: Row) => number): number => Math.max(0, ...healthy.map(pick));
  const received = healthy.length === 0 ? 0 : Math.min(...healthy.map((row) => row.received));
  const state = healthy.find((row) => row.state !== "live")?.state ?? "live";
  const all = cells(
    received,
    worst((row) => row.queued),
    worst((row) => row.lagMs),
    worst((row) => row.dropped),
    state.padEnd(STATE_WIDTH),
  );
  const one = frozen && cells(frozen.received, frozen.queued, frozen.lagMs, frozen.dropped, frozen.state);
  return `${seconds(view.elapsedMs).padStart(6)}  ${view.phase.padEnd(8)} |${all} |${one ?? ""}`.trimEnd();
}

function cells(received: number, queued: number, lagMs: number, dropped: number, state: string): string {
  return [
    whole(received).padStart(9),
    whole(queued).padStart(6),
    duration(lagMs).padStart(8),
    whole(dropped).padStart(8),
    `  ${state}`,
  ].join("");
}
