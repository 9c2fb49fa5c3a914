/**
 * A hub's books as OpenTelemetry metrics. Needs nothing but the meter that it is given: `@opentelemetry/api` is
 * imported for its types alone.
 *
 * Everything is an observable instrument, read in one batch callback, so a collection asks each hub once and nothing is
 * recorded in between.
 *
 * Histograms: the API has none that can be observed. To record every sample into one would cost more than the delivery
 * that it measures, and to feed it the counts afterwards would make up values, and with them the sum. So a histogram is
 * exported as what it is here, cumulative counts: `NAME.bucket` with the attribute `le` (the upper bound, as in
 * Prometheus), `NAME.sum` and `NAME.count`. Quantiles are computed from those, for example by `histogram_quantile`.
 *
 * @module
 */
import type {
  BatchObservableCallback,
  BatchObservableResult,
  Meter,
  MetricOptions,
  Observable,
} from "@opentelemetry/api";
import { cumulative, type HistogramMetric, METRICS, type ValueMetric } from "./metric-table.ts";
import { type ObservedHubs, type Reading, readAll, samplesOf } from "./observed-hubs.ts";

export type { ObservedHub, ObservedHubs } from "./observed-hubs.ts";

/** The instruments of one metric. */
interface Instruments {
  readonly all: readonly Observable[];
  observe(reading: Reading, result: BatchObservableResult): void;
}

/**
 * Exports the metrics of one hub, or of several by name, until the returned function is called.
 *
 * @param meter - for example `metrics.getMeter("spillway")` of `@opentelemetry/api`
 *
 * @example
 * ```ts
 * const stop = openTelemetryMetrics(hub, metrics.getMeter("spillway"));
 * ```
 */
export function openTelemetryMetrics(hubs: ObservedHubs, meter: Meter): () => void {
  const instruments = METRICS.map((metric) =>
    metric.kind === "histogram" ? histogramInstruments(meter, metric) : valueInstrument(meter, metric),
  );
  const all = instruments.flatMap((instrument) => instrument.all);
  const collect: BatchObservableCallback = (result) => {
    for (const reading of readAll(hubs)) {
      for (const instrument of instruments) instrument.observe(reading, result);
    }
  };
  meter.addBatchObservableCallback(collect, all);
  return () => meter.removeBatchObservableCallback(collect, all);
}

function valueInstrument(meter: Meter, metric: ValueMetric): Instruments {
  const instrument = create(meter, metric);
  return {
    all: [instrument],
    observe(reading, result) {
      for (const { labels, value } of samplesOf(metric, reading)) result.observe(instrument, value, labels);
    },
  };
}

function create(meter: Meter, { kind, name, unit, help }: ValueMetric): Observable {
  const options: MetricOptions = { description: help, unit };
  if (kind === "counter") return meter.createObservableCounter(name, options);
  if (kind === "upDownCounter") return meter.createObservableUpDownCounter(name, options);
  return meter.createObservableGauge(name, options);
}

function histogramInstruments(meter: Meter, metric: HistogramMetric): Instruments {
  const { name, unit, help } = metric;
  const counter = (part: string, unit: string, of: string) =>
    meter.createObservableCounter(`${name}.${part}`, { description: `${of} ${help}`, unit });
  const buckets = counter("bucket", "{sample}", "Samples up to the bound `le`:");
  const sum = counter("sum", unit, "Sum:");
  const count = counter("count", "{sample}", "Samples:");
  return {
    all: [buckets, sum, count],
    observe({ labels, stats }, result) {
      const snapshot = metric.read(stats);
      for (const [le, value] of cumulative(snapshot)) result.observe(buckets, value, { ...labels, le });
      result.observe(sum, snapshot.sum, labels);
      result.observe(count, snapshot.count, labels);
    },
  };
}
