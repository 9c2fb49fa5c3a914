import assert from "node:assert/strict";
import type { Hub, HubStats } from "../../src/index.ts";
import { METRICS } from "../../src/observe/metric-table.ts";

/** Holds the figures of one hub, looked at again and again, to what their kinds promise. */
export class FigureAuditor {
  #before = new Map<string, number>();

  /** Counters only rise, and nothing is below 0. */
  check(stats: HubStats): void {
    const now = figuresOf(stats);
    for (const [name, { value, rises }] of now) {
      assert.ok(value >= 0, `${name} is ${value}`);
      const before = this.#before.get(name) ?? 0;
      if (rises) assert.ok(value >= before, `${name} fell from ${before} to ${value}`);
    }
    this.#before = new Map([...now].map(([name, { value }]) => [name, value]));
  }
}

/** Of a hub that is closed: whatever can fall is 0. */
export function assertGaugesAtRest(hub: Hub): void {
  const left = [...figuresOf(hub.stats())].filter(([, { value, rises }]) => !rises && value !== 0);
  const atRest = [["spillway.evictions.brake off", { value: 1, rises: false }]];
  assert.deepEqual(left, atRest, "what can fall is 0, and the brake is off");
}

function figuresOf(stats: HubStats): Map<string, { value: number; rises: boolean }> {
  const figures = new Map<string, { value: number; rises: boolean }>();
  for (const metric of METRICS) {
    const { name, kind } = metric;
    if (kind === "histogram") {
      const { counts, sum, count } = metric.read(stats);
      for (const [index, value] of counts.entries()) figures.set(`${name} ${index}`, { value, rises: true });
      figures
        .set(`${name} sum`, { value: sum, rises: true })
        .set(`${name} count`, { value: count, rises: true });
      continue;
    }
    const read = metric.read(stats);
    const values = typeof read === "number" ? { "": read } : read;
    for (const [label, value] of Object.entries(values)) {
      figures.set(`${name} ${label}`.trim(), { value, rises: kind === "counter" });
    }
  }
  return figures;
}
