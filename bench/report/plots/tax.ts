/** The tax by the number of slow clients: ours beside each kind of them, and all systems beside stopped ones. @module */
import type { Cell, SlowKind } from "../../results.ts";
import { inScenario, nameOf, ours, SCENARIO, slowKindWords } from "../cells.ts";
import type { Material } from "../material.ts";
import { type Look, lookOfKind } from "../palette.ts";
import { type Line, lineChart, type Plot, toSvg } from "./chart.ts";
import { categories, logAxis, plainLabel } from "./scale.ts";
import { inOrder, loadWords, lookOfCell } from "./subjects.ts";

interface Group {
  readonly name: string;
  readonly look: Look;
  readonly cells: readonly Cell[];
}

export function taxByKindPlot(material: Material): Plot | undefined {
  const cells = ours(material, inScenario(material, SCENARIO.tax));
  const [first] = cells;
  if (first === undefined) return undefined;
  // Several variants in one plot would be too many lines: the first is the default.
  const own = cells.filter((cell) => nameOf(cell) === nameOf(first));
  const kinds = [...new Set(own.flatMap(({ load }) => load.slowKind ?? []))].filter(
    (kind) => kind !== "draining" && kind !== "draining-reconnecting",
  );
  const groups = kinds.map(
    (kind: SlowKind): Group => ({
      name: slowKindWords(kind),
      look: lookOfKind(kind),
      cells: own.filter(({ load }) => load.slowKind === kind),
    }),
  );
  const title = `Slow-consumer tax of ${nameOf(first)}, by kind and number of slow clients`;
  return taxPlot("tax-by-kind", title, groups, material);
}

export function taxBySystemPlot(material: Material): Plot | undefined {
  const cells = inScenario(material, SCENARIO.tax).filter(({ load }) => load.slowKind === "sigstop");
  const names = [...new Set(inOrder(cells, material).map(nameOf))];
  const groups = names.map((name): Group => {
    const own = cells.filter((cell) => nameOf(cell) === name);
    return { name, look: lookOfCell(own[0]!, cells, material), cells: own };
  });
  const title = `Slow-consumer tax beside ${slowKindWords("sigstop")} clients, by system`;
  return taxPlot("tax-by-system", title, groups, material);
}

function taxPlot(
  name: string,
  title: string,
  groups: readonly Group[],
  material: Material,
): Plot | undefined {
  const drawn = groups.flatMap((group) => {
    const points = group.cells.flatMap((cell) => {
      const { ratio: point, interval } = material.comparisonOf(cell) ?? {};
      return cell.load.slow > 0 && point !== undefined && point > 0
        ? [{ slow: cell.load.slow, point, interval: interval && interval.low > 0 ? interval : undefined }]
        : [];
    });
    return points.length === 0 ? [] : [{ ...group, points: points.sort((a, b) => a.slow - b.slow) }];
  });
  const [first] = drawn;
  if (first === undefined) return undefined;
  const counts = [...new Set(drawn.flatMap(({ points }) => points.map(({ slow }) => slow)))].sort(
    (a, b) => a - b,
  );
  const lines = drawn.map(({ name: label, look, points }, index): Line => {
    // Beside one another, so that bars do not hide one another.
    const offset = drawn.length === 1 ? 0 : 0.4 * (index / (drawn.length - 1) - 0.5);
    const x = (slow: number): number => counts.indexOf(slow) + offset;
    return {
      name: label,
      look,
      marked: true,
      points: points.map(({ slow, point }) => [x(slow), Math.log10(point)]),
      bars: points.flatMap(({ slow, interval }) =>
        interval ? [[x(slow), Math.log10(interval.low), Math.log10(interval.high)] as const] : [],
      ),
    };
  });
  const values = drawn.flatMap(({ points }) =>
    points.flatMap(({ point, interval }) => [point, ...(interval ? [interval.low, interval.high] : [])]),
  );
  const svg = toSvg(
    name,
    title,
    lineChart({
      title,
      subtitle: `${loadWords(first.cells[0]!)}; p99 through p99 of the control, 95 % intervals; dashed: no tax`,
      x: categories("slow clients", counts.map(String)),
      y: logAxis(
        "tax: p99, times the control (log)",
        [...values, 0.9, 1.2],
        (value) => `${plainLabel(value)}×`,
      ),
      lines,
      rules: [0],
    }),
  );
  return {
    name,
    title,
    about: "1× means that slow clients cost the healthy ones nothing.",
    section: "tax",
    svg,
  };
}
