import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import {
  AggregationTemporality,
  DataPointType,
  InMemoryMetricExporter,
  MeterProvider,
  type MetricData,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import type { HubStats } from "../../src/index.ts";
import { type ObservedHubs, openTelemetryMetrics } from "../../src/observe/index.ts";
import { METRICS, prometheusName } from "../../src/observe/metric-table.ts";
import { handHub } from "../support/engine.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { ValveSink } from "../support/valve-sink.ts";
import { busyHub, type Figures, figureKey, prometheusFigures } from "./busy-hub.ts";

failOnLeaks();

/** Hubs whose metrics are collected when the test says so. */
function exported(t: TestContext, hubs: ObservedHubs) {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 2_147_483_647 });
  const provider = new MeterProvider({ readers: [reader] });
  t.after(() => provider.shutdown());
  const stop = openTelemetryMetrics(hubs, provider.getMeter("spillway"));
  const collect = async (): Promise<readonly MetricData[]> => {
    exporter.reset();
    await reader.forceFlush();
    return exporter
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics));
  };
  return { collect, stop };
}

function figuresIn(metrics: readonly MetricData[]): Figures {
  return new Map(
    metrics.flatMap(({ descriptor, dataPoints }) =>
      dataPoints.map(
        ({ attributes, value }) => [figureKey(descriptor.name, attributes), value as number] as const,
      ),
    ),
  );
}

/** The same as a scrape by Prometheus, by the names of OpenTelemetry. */
function expectedFigures(stats: HubStats): [string, number][] {
  const names = new Map(METRICS.map((metric) => [prometheusName(metric), metric.name]));
  const translated = [...prometheusFigures(stats)].map(([key, value]): [string, number] => {
    const [, name = "", labels = ""] = /^(\w+)(.*)$/.exec(key) ?? [];
    const [, base = "", part] = /^(.*)_(bucket|sum|count)$/.exec(name) ?? [];
    const known = names.get(name);
    return [known === undefined ? `${names.get(base)}.${part}${labels}` : `${known}${labels}`, value];
  });
  return translated.sort(([a], [b]) => (a < b ? -1 : 1));
}

describe("a collection by OpenTelemetry", () => {
  it("is what the hub's books say at that moment, figure by figure", async (t) => {
    const { hub } = await busyHub();
    const { collect } = exported(t, hub);
    const figures = [...figuresIn(await collect())].sort(([a], [b]) => (a < b ? -1 : 1));
    assert.deepEqual(figures, expectedFigures(hub.stats()));
  });

  it("gives every metric its unit, its meaning, and the kind that says whether it may be added up", async (t) => {
    const { collect } = exported(t, handHub().hub);
    const metrics = await collect();
    for (const { descriptor } of metrics) {
      assert.match(descriptor.name, /^spillway(\.[a-z_]+){2,3}$/);
      assert.match(descriptor.unit, /^(s|By|\{[a-z]+\})$/);
      assert.ok(descriptor.description.endsWith("."));
    }
    const kindOf = (name: string) => {
      const data = metrics.find(({ descriptor }) => descriptor.name === name);
      return data?.dataPointType === DataPointType.SUM ? data.isMonotonic : data?.dataPointType;
    };
    assert.equal(kindOf("spillway.messages.published"), true);
    assert.equal(kindOf("spillway.messages.queued"), false);
    assert.equal(kindOf("spillway.backlog.age"), DataPointType.GAUGE);
    assert.equal(kindOf("spillway.delivery.lag.bucket"), true);
  });

  it("asks each hub once, and none when it is over", async (t) => {
    let asked = 0;
    const { hub } = handHub();
    const observed = {
      stats() {
        asked++;
        return hub.stats();
      },
    };
    const { collect, stop } = exported(t, { one: observed, two: observed });
    await collect();
    assert.equal(asked, 2);
    stop();
    await collect();
    assert.equal(asked, 2);
  });

  it("tells several hubs apart by the name that they are given", async (t) => {
    const [prices, orders] = [handHub().hub, handHub().hub];
    orders.publish("a", "");
    const { collect } = exported(t, { prices, orders });
    const figures = figuresIn(await collect());
    assert.equal(figures.get('spillway.messages.published{hub="prices"}'), 0);
    assert.equal(figures.get('spillway.messages.published{hub="orders"}'), 1);
    assert.equal(figures.get('spillway.batch.size.bucket{hub="orders",le="+Inf"}'), 0);
  });

  it("has no more series for a thousand topics and a thousand subscribers", async (t) => {
    const { hub, clock } = handHub();
    const { collect } = exported(t, hub);
    const series = async () => [...figuresIn(await collect()).keys()].sort();
    const before = await series();
    for (let count = 0; count < 1_000; count++) {
      const request = { patterns: [`topic-${count}`, ">"], clientName: `client-${count}` };
      hub.attach(request, new ValveSink({ valve: count % 2 === 0 ? "open" : "shut" }));
    }
    for (let count = 0; count < 1_000; count++) hub.publish(`topic-${count}`, "", { key: `key-${count}` });
    clock.advance(10_000);
    assert.deepEqual(await series(), before);
  });
});
