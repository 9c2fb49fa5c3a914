/** Latency by percentile, a curve per system, beside clients that have stopped. @module */
import { inScenario, nameOf, SCENARIO, slowKindWords } from "../cells.ts";
import { quantile, samplesFor } from "../distribution.ts";
import type { Material } from "../material.ts";
import { type Summary, summarize } from "../summary.ts";
import { type Axis, type Line, lineChart, type Plot, toSvg } from "./chart.ts";
import { logAxis, timeLabel } from "./scale.ts";
import { inOrder, loadWords, lookOfCell, mostCommon } from "./subjects.ts";

const NAME = "latency-by-percentile";
const STEPS_PER_DECADE = 12;

export function percentilePlot(material: Material): Plot | undefined {
  const stopped = inScenario(material, SCENARIO.tax).filter(
    ({ load }) => load.slowKind === "sigstop" && load.slow > 0,
  );
  const cells = mostCommon(
    stopped.filter((cell) => summarize(cell, material).messages >= samplesFor(0.5)),
    ({ load }) => load.slow,
  );
  const lines = inOrder(cells, material).map(
    (cell): Line => ({
      name: nameOf(cell),
      look: lookOfCell(cell, cells, material),
      points: curve(summarize(cell, material)),
    }),
  );
  const [first] = cells;
  if (first === undefined) return undefined;
  const title = `Latency of healthy subscribers beside ${first.load.slow} ${slowKindWords("sigstop")} clients`;
  const svg = toSvg(
    NAME,
    title,
    lineChart({
      title,
      subtitle: `${loadWords(first)}; from the time a message was due; all trials merged`,
      x: percentileAxis(lines),
      y: logAxis(
        "latency (log)",
        lines.flatMap(({ points }) => points.map(([, y]) => 10 ** y)),
        timeLabel,
      ),
      lines,
    }),
  );
  return {
    name: NAME,
    title,
    about: "The lower and flatter a curve, the less a subscriber notices.",
    section: "tax",
    svg,
  };
}

/** As far as there are ten messages beyond. A time below a microsecond is drawn as one. */
function curve({ latency, messages }: Summary): [number, number][] {
  const decades = Math.log10(messages / 10);
  const steps = Math.floor(decades * STEPS_PER_DECADE);
  return Array.from({ length: steps + 1 }, (_, step) => step / STEPS_PER_DECADE).flatMap((nines) => {
    const value = quantile(latency, 1 - 10 ** -nines, messages);
    return value === undefined ? [] : [[nines, Math.log10(Math.max(1, value))] as [number, number]];
  });
}

function percentileAxis(lines: readonly Line[]): Axis {
  const most = Math.max(1, ...lines.flatMap(({ points }) => points.map(([x]) => x)));
  const nines = Array.from({ length: Math.floor(most) }, (_, index) => index + 1);
  return {
    name: "percentile (log of what lies beyond)",
    min: 0,
    max: most,
    ticks: [
      { at: Math.log10(2), label: "50 %" },
      ...nines.map((at) => ({
        at,
        label: at === 1 ? "90 %" : at === 2 ? "99 %" : `99.${"9".repeat(at - 2)} %`,
      })),
    ],
  };
}
