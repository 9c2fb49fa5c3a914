/** CPU per delivery by the number of messages that wait together, a line per system. @module */
import { inScenario, nameOf, SCENARIO } from "../cells.ts";
import type { Material } from "../material.ts";
import { cpuOf } from "../statistics.ts";
import { size, whole } from "../text.ts";
import { type Line, lineChart, type Plot, toSvg } from "./chart.ts";
import { logAxis, plainLabel } from "./scale.ts";
import { inOrder, lookOfCell, mostCommon } from "./subjects.ts";

const NAME = "cpu-by-waiting";

export function cpuPlot(material: Material): Plot | undefined {
  const measured = inScenario(material, SCENARIO.cpu).filter((cell) => (cpuOf(cell)?.median ?? 0) > 0);
  const cells = mostCommon(
    mostCommon(measured, ({ load }) => load.payloadBytes),
    ({ load }) => load.healthy,
  );
  const [first] = cells;
  if (first === undefined) return undefined;
  const names = [...new Set(inOrder(cells, material).map(nameOf))];
  const lines = names.map((name): Line => {
    const own = cells.filter((cell) => nameOf(cell) === name).sort((a, b) => a.load.burst - b.load.burst);
    const at = own.map((cell) => ({ x: Math.log10(cell.load.burst), cost: cpuOf(cell)! }));
    return {
      name,
      look: lookOfCell(own[0]!, cells, material),
      marked: true,
      points: at.map(({ x, cost }) => [x, Math.log10(cost.median)]),
      bars: at
        .filter(({ cost }) => cost.low > 0 && cost.low < cost.high)
        .map(({ x, cost }) => [x, Math.log10(cost.low), Math.log10(cost.high)]),
    };
  });
  const bursts = [...new Set(cells.map(({ load }) => load.burst))].sort((a, b) => a - b);
  const costs = cells.flatMap((cell) => [cpuOf(cell)!.low, cpuOf(cell)!.high]).filter((cost) => cost > 0);
  const title = "Server CPU per delivery by messages waiting";
  const around = logAxis("", bursts, plainLabel);
  const svg = toSvg(
    NAME,
    title,
    lineChart({
      title,
      subtitle: `${whole(first.load.healthy)} subscribers, ${size(first.load.payloadBytes)}; median, least and most of the trials`,
      x: {
        ...around,
        name: "messages waiting together (log)",
        min: Math.log10(bursts[0]!) - 0.08,
        max: Math.log10(bursts.at(-1)!) + 0.08,
        ticks: bursts.map((burst) => ({ at: Math.log10(burst), label: String(burst) })),
      },
      y: logAxis("CPU per delivery (µs, log)", costs, plainLabel),
      lines,
    }),
  );
  return {
    name: NAME,
    title,
    about: "The further a line falls, the more a system gains from messages that wait together.",
    section: "cpu",
    svg,
  };
}
