/** The metrics in the document are the metrics in the code. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { METRICS, type Metric, prometheusName } from "../../src/observe/metric-table.ts";
import { handHub } from "../support/engine.ts";

const document = readFileSync(new URL("../../../docs/observability.md", import.meta.url), "utf8");

/** Kinds as people call them. */
const KINDS = { counter: "counter", upDownCounter: "gauge", gauge: "gauge", histogram: "histogram" } as const;

function row(metric: Metric): string[] {
  const label = metric.kind === "histogram" || metric.label === undefined ? "" : `\`${metric.label}\``;
  const { name, unit, help, kind } = metric;
  return [`\`${prometheusName(metric)}\``, `\`${name}\``, KINDS[kind], `\`${unit}\``, label, help];
}

/** The rows of the table that begins with this heading. */
function table(heading: string): string[][] {
  const [, rest = ""] = document.split(new RegExp(`^\\| ${heading} +\\|.*\\n\\|[-| ]+\\|\\n`, "m"));
  const [body = ""] = rest.split("\n\n");
  const lines = body.split("\n").filter((line) => line.startsWith("|"));
  return lines.map((line) => {
    const cells = line.slice(1, -1).split("|");
    return cells.map((cell) => cell.trim());
  });
}

describe("the document of the metrics", () => {
  it("has a row for every metric, and for no other", () => {
    assert.deepEqual(table("Prometheus"), METRICS.map(row));
  });

  it("says of every label which values it has", () => {
    const labels = METRICS.flatMap((metric) =>
      metric.kind === "histogram" || metric.label === undefined ? [] : [`\`${metric.label}\``],
    );
    const explained = table("label").map(([name]) => name);
    assert.deepEqual(explained, [...new Set(labels), "`le`", "`hub`"].sort());
  });

  it("speaks of no series that there is not", () => {
    const known = new Set(
      METRICS.flatMap((metric) => {
        const name = prometheusName(metric);
        return metric.kind === "histogram"
          ? [name, `${name}_bucket`, `${name}_sum`, `${name}_count`]
          : [name];
      }),
    );
    const named = [...document.matchAll(/\bspillway_\w+/g)].map(([name]) => name);
    assert.ok(named.length > METRICS.length);
    assert.deepEqual(
      named.filter((name) => !known.has(name)),
      [],
    );
  });

  it("is about metrics whose names are all different, in both spellings", () => {
    const { hub } = handHub();
    const names = METRICS.map(({ name }) => name);
    assert.equal(new Set(names).size, METRICS.length);
    assert.equal(new Set(METRICS.map(prometheusName)).size, METRICS.length);
    // Where one name goes on from another, an exporter that makes folders of the dots has nowhere to put it.
    for (const name of names) assert.ok(!names.some((other) => other.startsWith(`${name}.`)), name);
    for (const metric of METRICS) assert.ok(metric.read(hub.stats()) !== undefined, metric.name);
  });
});
