/** A fixed overload under each policy: how much of it arrives, and how old it is. @module */
import type { EChartsOption } from "echarts";
import { FIGURE, inScenario, nameOf, SCENARIO } from "../cells.ts";
import type { Material } from "../material.ts";
import { lookOf } from "../palette.ts";
import { type Summary, summarize } from "../summary.ts";
import { number, percent } from "../text.ts";
import { axis, frame, INK, type Plot, toSvg } from "./chart.ts";
import { linearAxis, logAxis, plainLabel, timeLabel } from "./scale.ts";
import { inOrder, loadWords } from "./subjects.ts";

const NAME = "policies";

export function policyPlot(material: Material): Plot | undefined {
  const summaries = inOrder(inScenario(material, SCENARIO.policy), material)
    .map((cell) => summarize(cell, material))
    .filter(({ counted, expected }) => counted > 0 && expected > 0);
  const [first] = summaries;
  if (first === undefined) return undefined;
  const title = "What arrives, and how old it is, under a fixed overload, by policy";
  return {
    name: NAME,
    title,
    about: "How much of what was published each policy delivers, and how old it is by then.",
    section: "other",
    svg: toSvg(NAME, title, option(title, loadWords(first.cell), summaries, material)),
  };
}

function option(
  title: string,
  subtitle: string,
  summaries: readonly Summary[],
  material: Material,
): EChartsOption {
  const names = summaries.map(({ cell }) => nameOf(cell));
  const ages = summaries.map(({ extra, p99 }) => {
    const staleness = extra.get(FIGURE.stalenessMs);
    return staleness === undefined ? p99 : staleness * 1_000;
  });
  const known = ages.filter((age): age is number => age !== undefined && age > 0);
  const age = logAxis("age when received, p99 (log)", known.length > 0 ? known : [1, 10], timeLabel, 5);
  const colours = summaries.map(
    ({ cell }) =>
      lookOf(
        cell.system,
        material.systems.map(({ name }) => name),
      ).colour,
  );
  const common = { type: "category" as const, data: names, inverse: true, axisTick: { show: false } };
  const bar = { type: "bar" as const, barMaxWidth: 26, silent: true };
  return {
    ...frame(title, subtitle),
    grid: [
      { left: 190, width: 280, top: 80, bottom: 62 },
      { left: 530, width: 270, top: 80, bottom: 62 },
    ],
    xAxis: [
      { ...axis(linearAxis("delivered (%)", [100], plainLabel)), nameGap: 34, gridIndex: 0 },
      { ...axis(age), nameGap: 34, gridIndex: 1 },
    ],
    yAxis: [
      { ...common, gridIndex: 0, axisLabel: { color: INK, fontSize: 12, width: 170, overflow: "truncate" } },
      { ...common, gridIndex: 1, axisLabel: { show: false } },
    ],
    series: [
      {
        ...bar,
        xAxisIndex: 0,
        yAxisIndex: 0,
        data: summaries.map(({ received, expected }, index) => ({
          value: (100 * received) / expected,
          itemStyle: { color: colours[index]! },
          label: {
            show: true,
            position: received < 0.2 * expected ? "right" : "insideLeft",
            color: received < 0.2 * expected ? INK : "#fff",
            formatter: `${percent(received, expected)} %`,
          },
        })),
      },
      {
        // Points, not bars: a logarithmic axis has no zero for a bar to begin at.
        type: "scatter",
        silent: true,
        symbolSize: 13,
        xAxisIndex: 1,
        yAxisIndex: 1,
        data: ages.flatMap((micros, index) =>
          micros === undefined || micros <= 0
            ? []
            : [
                {
                  value: [Math.log10(micros), names[index]!],
                  itemStyle: { color: colours[index]!, opacity: 1 },
                  label: {
                    show: true,
                    position: "right" as const,
                    color: INK,
                    formatter: `${number(micros / 1_000)} ms`,
                  },
                },
              ],
        ),
      },
    ],
  };
}
