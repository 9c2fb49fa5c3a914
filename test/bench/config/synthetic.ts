/** Results of comparisons of configurations that nobody measured. */
import type {
  ClientFigures,
  ConfigResults,
  ConfigTrial,
  HubBooks,
  Kind,
  KindFigures,
  MeasuredConfig,
  ServerFigures,
} from "../../../bench/config-results.ts";
import { Histogram } from "../../../bench/harness/histogram.ts";
import type { HistogramData } from "../../../bench/results.ts";

export const HEALTHY: Kind = { id: "others/healthy", group: "others", name: "healthy", subscribers: 2 };
export const SLOW: Kind = {
  id: "others/slow 10 %",
  group: "others",
  name: "slow",
  subscribers: 1,
  readsPerSecond: 100,
};

/** As many values as a p99 needs, all the same. */
export function times(ms: number, count = 4_000): HistogramData {
  const histogram = new Histogram();
  histogram.recordMicros(ms * 1_000, count);
  return histogram.data();
}

export function hubBooks(special: Partial<HubBooks> = {}): HubBooks {
  return {
    waitedBefore: 0,
    matched: 2_000,
    delivered: 2_000,
    dropped: {},
    conflated: 0,
    expired: 0,
    discarded: 0,
    waiting: 0,
    ended: {},
    queuedBytesPeak: 1_000,
    looks: 100,
    looksParked: 0,
    looksOnRung: 0,
    ...special,
  };
}

export function clientFigures(special: Partial<ClientFigures> = {}): ClientFigures {
  return {
    subscribers: 2,
    expected: 2_000,
    read: 2_000,
    told: 0,
    missing: 0,
    undelivered: 0,
    duplicated: 0,
    reordered: 0,
    falselyTold: 0,
    trimmed: 0,
    unknownLosses: 0,
    garbled: 0,
    comebacks: 0,
    over: 0,
    age: times(1),
    outOfDate: times(0),
    looks: 2_000,
    ...special,
  };
}

export function kindFigures(
  hub: Partial<HubBooks> = {},
  client: Partial<ClientFigures> = {},
  overflow = "drop-oldest",
): KindFigures {
  return {
    hub: hubBooks(hub),
    client: clientFigures(client),
    treatment: {
      overflow,
      queue: "1024 / 1MiB",
      rungs: ["stalledFor 1m: evict"],
      unreached: ["stalledFor 1m: evict"],
    },
  };
}

export function serverFigures(special: Partial<ServerFigures> = {}): ServerFigures {
  return {
    rssBytes: { before: 50e6, peak: 60e6 },
    heapBytes: { before: 10e6, peak: 12e6 },
    cpuMicros: 2e6,
    seconds: 10,
    queuedBytesPeak: 4e6,
    retainedBytesPeak: 0,
    publishes: 2_000,
    askedToWait: 0,
    publish: times(0.05),
    lateness: times(1),
    loopDelay: times(2),
    ...special,
  };
}

export function trial(
  block: number,
  kinds: ConfigTrial["kinds"],
  special: Partial<ConfigTrial> = {},
): ConfigTrial {
  return { block, problems: [], server: serverFigures(), kinds, ...special };
}

/** @param options - what counts for everybody */
export function config(letter: string, trials: readonly ConfigTrial[], options = {}): MeasuredConfig {
  const file = `${letter.toLowerCase()}.yaml`;
  return { letter, file, effective: options, counting: { others: options }, trials };
}

export function configResults(configs: readonly MeasuredConfig[], kinds: readonly Kind[]): ConfigResults {
  return {
    schema: 1,
    about: "configurations",
    environment: {
      cpu: "a CPU",
      cores: 2,
      memoryBytes: 4e9,
      kernel: "Linux 6",
      node: "v20.20.2",
      grpcJs: "1.14.7",
      commit: "abc1234",
      pinning: "none: a test",
    },
    command: "npm run bench -- --config a.yaml",
    seed: 1,
    startedAt: "2026-01-01T00:00:00.000Z",
    seconds: 20,
    load: {
      topics: ["bench"],
      rate: 1_000,
      burst: 4,
      payloadBytes: 512,
      keys: 100,
      seconds: 10,
      frozen: { fromMs: 2_000, toMs: 7_000 },
      away: [{ fromMs: 3_000, toMs: 4_000 }],
    },
    groups: [{ name: "others", topic: "bench", guise: {} }],
    kinds,
    configs,
  };
}
