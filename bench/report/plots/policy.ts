/** A fixed overload under each policy: how much of it arrives, and how old it is. @module */
import type { EChartsOption } from "echarts";
import { FIGURE, inScenario, nameOf, SCENARIO } from "../cells.ts";
import type { Material } from "../material.ts";
import { type Summary, summarize } from "../summary.ts";
import { number, percent } from "../text.ts";
import { axis, frame, INK, type Plot, toSvg } from "./chart.ts";
import { linearAxis, logAxis, plainLabel, timeLabel } from "./scale.ts";
import { inOrder, loadWords, lookOfCell } from "./subjects.ts";

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
    about: "A policy trades how much arrives for how fresh it is.",
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
  const age = logAxis(
    "age when received, p99 (log)",
    known.length > 0 ? [...known, Math.min(...known) / 2] : [1, 10],
    timeLabel,
  );
  const colours = summaries.map(({ cell }) => lookOfCell(cell, material).colour);
  const common = { type: "category" as const, data: names, inverse: true, axisTick: { show: false } };
  const bar = { type: "bar" as const, barMaxWidth: 26, silent: true };
  return {
    ...frame(title, subtitle),
    grid: [
      { left: 190, width: 290, top: 80, bottom: 62 },
      { left: 520, width: 300, top: 80, bottom: 62 },
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
            position: "insideLeft",
            color: "#fff",
            formatter: `${percent(received, expected)} %`,
          },
        })),
      },
      {
        ...bar,
        xAxisIndex: 1,
        yAxisIndex: 1,
        data: ages.map((micros, index) => ({
          value: micros === undefined || micros <= 0 ? age.min : Math.log10(micros),
          itemStyle: { color: colours[index]! },
          label: {
            show: true,
            position: "right",
            color: INK,
            formatter: micros === undefined ? "n/a" : `${number(micros / 1_000)} ms`,
          },
        })),
      },
    ],
  };
}
