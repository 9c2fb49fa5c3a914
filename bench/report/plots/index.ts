/** All plots that the results have data for. @module */
import type { Material } from "../material.ts";
import type { Plot } from "./chart.ts";
import { cpuPlot } from "./cpu.ts";
import { latencyOverTimePlot, memoryOverTimePlot } from "./over-time.ts";
import { percentilePlot } from "./percentiles.ts";
import { policyPlot } from "./policy.ts";
import { taxByKindPlot, taxBySystemPlot } from "./tax.ts";

export type { Plot } from "./chart.ts";

const PLOTS = [
  percentilePlot,
  taxBySystemPlot,
  taxByKindPlot,
  latencyOverTimePlot,
  memoryOverTimePlot,
  cpuPlot,
  policyPlot,
] as const;

export function draw(material: Material): Plot[] {
  return PLOTS.map((plot) => plot(material)).filter((plot) => plot !== undefined);
}
