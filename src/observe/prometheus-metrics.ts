/**
 * A hub's books as metrics of `prom-client`. Needs nothing but the registry that it is given: the package is imported
 * for its types alone.
 *
 * The figures stay in the hub. A registry asks its metrics for their values when it is scraped, and these answer from
 * one reading of the hub, which all of them share.
 *
 * @module
 */
import type { Registry, RegistryContentType, Metric as RegistryMetric } from "prom-client";
import { cumulative, METRICS, type Metric, prometheusName } from "./metric-table.ts";
import { type Labels, type ObservedHubs, type Reading, readAll, samplesOf } from "./observed-hubs.ts";

/**
 * Adds the metrics of one hub, or of several by name, to a registry, until the returned function is called.
 *
 * @throws TypeError when the registry has a metric of one of the names already; nothing was added then
 *
 * @example
 * ```ts
 * import { register } from "prom-client";
 * prometheusMetrics(hub, register);
 * ```
 */
export function prometheusMetrics(hubs: ObservedHubs, register: Registry<RegistryContentType>): () => void {
  const read = sharedInOneStep(() => readAll(hubs));
  const collectors = METRICS.map((metric) => [prometheusName(metric), new Collector(metric, read)] as const);
  for (const [name] of collectors) {
    if (register.getSingleMetric(name) === undefined) continue;
    throw new TypeError(
      `the registry has a metric ${name} already: give several hubs in one call, as { nameOfOne: hub, … }`,
    );
  }
  // What a registry asks of a metric is what a collector has; the type knows its own classes only.
  for (const [, collector] of collectors) register.registerMetric(collector as unknown as RegistryMetric);
  return () => {
    for (const [name, collector] of collectors) {
      if (Object.is(register.getSingleMetric(name), collector)) register.removeSingleMetric(name);
    }
  };
}

interface Line {
  /** Where it is not the metric's own. */
  readonly metricName?: string;
  readonly labels: Labels;
  readonly value: number;
}

/** One metric, to the registry. */
class Collector {
  /** A registry of OpenMetrics takes the `_total` of counters away, and puts it back into every line. */
  name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  /** How the figures of the workers of a cluster are put together. */
  readonly aggregator: "sum" | "max";
  readonly #metric: Metric;
  readonly #read: () => readonly Reading[];

  constructor(metric: Metric, read: () => readonly Reading[]) {
    this.#metric = metric;
    this.#read = read;
    this.name = prometheusName(metric);
    this.help = metric.help;
    this.type = metric.kind === "upDownCounter" ? "gauge" : metric.kind;
    this.aggregator = metric.kind === "gauge" ? "max" : "sum";
  }

  async get(): Promise<object> {
    const { name, help, type, aggregator } = this;
    const values = this.#read().flatMap((reading) => this.#linesOf(reading));
    return { name, help, type, aggregator, values };
  }

  /** The registry forgets its own figures; these are the hub's. */
  reset(): void {}

  #linesOf(reading: Reading): Line[] {
    const metric = this.#metric;
    if (metric.kind !== "histogram") return samplesOf(metric, reading);
    const { labels, stats } = reading;
    const snapshot = metric.read(stats);
    const buckets = cumulative(snapshot).map(([le, value]) => ({
      metricName: `${this.name}_bucket`,
      labels: { ...labels, le },
      value,
    }));
    return [
      ...buckets,
      { metricName: `${this.name}_sum`, labels, value: snapshot.sum },
      { metricName: `${this.name}_count`, labels, value: snapshot.count },
    ];
  }
}

/**
 * A registry asks all of its metrics in one step, before anything else runs. They all get the same answer, so their
 * figures belong together, and the hub is asked once.
 */
function sharedInOneStep<T>(read: () => T): () => T {
  let shared: { readonly value: T } | undefined;
  return () => {
    if (shared === undefined) {
      shared = { value: read() };
      queueMicrotask(() => {
        shared = undefined;
      });
    }
    return shared.value;
  };
}
