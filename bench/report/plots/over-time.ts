/** Courses of trials: latency while clients are stopped and after, and memory while clients stall. @module */
import type { Cell, TimelinePoint, Trial } from "../../results.ts";
import { inScenario, nameOf, SCENARIO } from "../cells.ts";
import type { Material } from "../material.ts";
import { validTrials } from "../statistics.ts";
import { type Line, lineChart, type Plot, type Shade, toSvg } from "./chart.ts";
import { linearAxis, logAxis, plainLabel, timeLabel } from "./scale.ts";
import { inOrder, loadWords, lookOfCell, mostCommon } from "./subjects.ts";

/** What happened when a client was stopped, and when it went on. */
const STOPPED = "stopped";
const CONTINUED = "continued";

interface Course {
  readonly cell: Cell;
  readonly trial: Trial;
}

export function latencyOverTimePlot(material: Material): Plot | undefined {
  const name = "latency-over-time";
  // The scenario that is about it, or else any in which clients were stopped and continued.
  const recovery = courses(inScenario(material, SCENARIO.recovery)).filter(wasStopped);
  const all = recovery.length > 0 ? recovery : courses(material.cells).filter(wasStopped);
  const chosen = sameLoad(all, material).filter(({ trial }) => series(trial, "p99").length > 0);
  const [first] = chosen;
  if (first === undefined) return undefined;
  const lines = linesOf(chosen, material, (trial) =>
    series(trial, "p99").map(([x, y]) => [x, Math.log10(Math.max(1, y))]),
  );
  const title = "Latency of healthy subscribers while other clients are frozen";
  const shade = frozenSpan(first.trial);
  const svg = toSvg(
    name,
    title,
    lineChart({
      title,
      subtitle: `${loadWords(first.cell)}; p99 of each 100 ms, one trial of each`,
      x: timeAxis(chosen),
      y: logAxis(
        "p99 latency (log)",
        lines.flatMap(({ points }) => points.map(([, y]) => 10 ** y)),
        timeLabel,
      ),
      lines,
      ...(shade && { shade }),
    }),
  );
  return {
    name,
    title,
    about: "The frozen span is shaded. A flat line is what isolation looks like.",
    section: "other",
    svg,
  };
}

export function memoryOverTimePlot(material: Material): Plot | undefined {
  const name = "memory-over-time";
  const all = courses(inScenario(material, SCENARIO.memory)).filter(
    ({ cell, trial }) => cell.load.slow > 0 && series(trial, "rssBytes").length > 0,
  );
  const chosen = sameLoad(all, material);
  const [first] = chosen;
  if (first === undefined) return undefined;
  const lines = linesOf(chosen, material, (trial) => series(trial, "rssBytes").map(([x, y]) => [x, y / 1e6]));
  const title = `Memory of the server beside ${first.cell.load.slow} stalled clients`;
  const values = lines.flatMap(({ points }) => points.map(([, y]) => y));
  const svg = toSvg(
    name,
    title,
    lineChart({
      title,
      subtitle: `${loadWords(first.cell)}; one trial of each`,
      x: timeAxis(chosen),
      y: linearAxis("resident memory (MB)", values, plainLabel),
      lines,
    }),
  );
  return {
    name,
    title,
    about: "A line that levels off has met its bound; one that still rises in the end has not.",
    section: "other",
    svg,
  };
}

/** The first trial that counts: one course is a picture, an average of courses is none. */
function courses(cells: readonly Cell[]): Course[] {
  return cells.flatMap((cell) => {
    const [trial] = validTrials(cell);
    return trial === undefined || trial.timeline.length === 0 ? [] : [{ cell, trial }];
  });
}

function wasStopped({ trial }: Course): boolean {
  return trial.events?.some(({ what }) => what === STOPPED) ?? false;
}

/** One course per system and variant, all beside as many slow clients. */
function sameLoad(all: readonly Course[], material: Material): Course[] {
  const cells = mostCommon(
    all.map(({ cell }) => cell),
    ({ load }) => load.slow,
  );
  const seen = new Set<string>();
  return inOrder(cells, material).flatMap((cell) => {
    if (seen.has(nameOf(cell))) return [];
    seen.add(nameOf(cell));
    return all.filter((course) => course.cell === cell);
  });
}

function linesOf(
  chosen: readonly Course[],
  material: Material,
  points: (trial: Trial) => Line["points"],
): readonly Line[] {
  const plotted = chosen.map(({ cell }) => cell);
  return chosen.map(({ cell, trial }) => ({
    name: nameOf(cell),
    look: lookOfCell(cell, plotted, material),
    points: points(trial),
  }));
}

function series(trial: Trial, which: keyof Omit<TimelinePoint, "atMs">): [number, number][] {
  return trial.timeline.flatMap((point) => {
    const value = point[which];
    return value === undefined ? [] : [[point.atMs / 1_000, value] as [number, number]];
  });
}

function timeAxis(chosen: readonly Course[]): ReturnType<typeof linearAxis> {
  const ends = chosen.map(({ trial }) => trial.timeline.at(-1)!.atMs / 1_000);
  const made = linearAxis("time since the measurement began (s)", ends, plainLabel);
  return { ...made, max: Math.max(...ends) > 0 ? Math.max(...ends) : made.max };
}

function frozenSpan(trial: Trial): Shade | undefined {
  const from = trial.events?.find(({ what }) => what === STOPPED)?.atMs;
  if (from === undefined) return undefined;
  const to = trial.events?.find(({ what, atMs }) => what === CONTINUED && atMs > from)?.atMs;
  const end = to ?? trial.timeline.at(-1)!.atMs;
  return { from: from / 1_000, to: end / 1_000, label: "clients frozen" };
}
