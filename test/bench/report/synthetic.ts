/**
 * Results that nobody measured, the same every time: systems with known behaviour, so that what the report says about
 * them can be checked. Has what a real run has to cope with: a trial that does not count, a system that could not run,
 * percentiles of too few samples, a system that is a thousand times slower than the others.
 *
 * @module
 */
import { build, encodeIntoCompressedBase64 } from "hdr-histogram-js";
import { randomFrom } from "../../../bench/report/random.ts";
import {
  type Cell,
  type HistogramData,
  type Load,
  type MicroTable,
  RESULTS_SCHEMA,
  type Results,
  type SlowKind,
  type SystemInfo,
  type Trial,
} from "../../../bench/results.ts";

export const LOAD: Load = { healthy: 100, slow: 0, payloadBytes: 128, rate: 500, burst: 1, seconds: 10 };

/** Of times in microseconds. */
export function histogram(values: Iterable<number>): HistogramData {
  const counts = build({ numberOfSignificantValueDigits: 3 });
  let count = 0;
  for (const value of values) {
    counts.recordValue(Math.round(value));
    count++;
  }
  return { hdr: encodeIntoCompressedBase64(counts), count };
}

/** Times around a middle, with a long tail to the right; the p99 is about 3.2 middles. */
export function latencies(random: () => number, middle: number, count: number): HistogramData {
  const values = Array.from({ length: count }, () => {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return Math.max(1, middle * Math.exp(0.5 * normal));
  });
  return histogram(values);
}

export interface TrialOptions {
  readonly block?: number;
  /** Median latency, microseconds. */
  readonly middle?: number;
  readonly samples?: number;
  readonly received?: number;
  readonly expected?: number;
  readonly cpuMicros?: number;
  readonly problems?: readonly string[];
  readonly extra?: Readonly<Record<string, number>>;
  readonly counters?: Trial["counters"];
  readonly timeline?: Trial["timeline"];
  readonly events?: NonNullable<Trial["events"]>;
  readonly latency?: HistogramData;
  readonly seed?: string;
}

/** What no test looks at closely: made once. */
const ASIDE = {
  publish: latencies(randomFrom(1), 20, 1_200),
  lateness: latencies(randomFrom(2), 50, 1_200),
  loopDelay: latencies(randomFrom(3), 300, 400),
};

export function trial(options: TrialOptions = {}): Trial {
  const { block = 0, middle = 800, samples = 2_000, expected = 500_000, cpuMicros = 1_000_000 } = options;
  const received = options.received ?? expected;
  const random = randomFrom(block, options.seed ?? "trial");
  return {
    block,
    problems: options.problems ?? [],
    books: {
      published: expected / 100,
      expected,
      received,
      announced: 0,
      missing: 0,
      undelivered: expected - received,
      duplicated: 0,
      reordered: 0,
    },
    latency: options.latency ?? latencies(random, middle, samples),
    ...ASIDE,
    cpuMicros,
    seconds: 10,
    rssBytes: { before: 90e6, peak: 104e6 },
    heapBytes: { before: 20e6, peak: 31e6 },
    timeline: options.timeline ?? [],
    ...(options.counters && { counters: options.counters }),
    ...(options.events && { events: options.events }),
    ...(options.extra && { extra: options.extra }),
  };
}

export function cell(id: string, given: Partial<Cell> = {}): Cell {
  return { id, scenario: "tax", system: "spillway", load: LOAD, trials: [], ...given };
}

export function results(given: Partial<Results> = {}): Results {
  return {
    schema: RESULTS_SCHEMA,
    environment: {
      cpu: "Synthetic 3000",
      cores: 2,
      memoryBytes: 8 * 2 ** 30,
      kernel: "Linux 6.1",
      node: "v20.20.2",
      grpcJs: "1.14.7",
      commit: "0123abc",
      pinning: "server on 0, clients on 1",
    },
    command: "npm run bench -- --seed 7",
    seed: 7,
    startedAt: "2026-01-02T03:04:05.000Z",
    seconds: 171,
    systems: SYSTEMS,
    cells: [],
    micro: [],
    ...given,
  };
}

export const SYSTEMS: readonly SystemInfo[] = [
  { name: "spillway", kind: "ours", about: "A bounded queue for each subscriber", version: "0.1.0" },
  {
    name: "sequential-await",
    kind: "baseline",
    about: "Waits for each subscriber in turn",
    version: "1.14.7",
  },
  { name: "fire-and-forget", kind: "baseline", about: "Ignores what write() returns", version: "1.14.7" },
  { name: "http2", kind: "peer", about: "Raw HTTP/2 streams", version: "20.20.2" },
  { name: "nats", kind: "peer", about: "A native broker", unavailable: "nats-server is not on the PATH" },
];

const BLOCKS = 5;
const KINDS: readonly SlowKind[] = ["sigstop", "window-0", "paused", "delayed", "reconnecting"];

/** How a system behaves beside so many slow clients. */
interface Behaviour {
  readonly middle: (slow: number) => number;
  readonly delivered: (slow: number) => number;
  /** CPU per delivery by messages waiting. */
  readonly cpu: (burst: number) => number;
  /** Megabytes of memory, so many seconds after clients stalled. */
  readonly memory: (second: number) => number;
}

const BEHAVIOUR: Readonly<Record<string, Behaviour>> = {
  spillway: {
    middle: () => 800,
    delivered: () => 1,
    cpu: (burst) => 14 / burst + 1.1,
    memory: (second) => 92 + Math.min(second, 3) * 2,
  },
  "sequential-await": {
    middle: (slow) => (slow === 0 ? 2_500 : 4_600_000),
    delivered: (slow) => (slow === 0 ? 1 : 0.03),
    cpu: (burst) => 26 + 1 / burst,
    memory: (second) => 95 + second * 3,
  },
  "fire-and-forget": {
    middle: (slow) => 900 + slow * 12,
    delivered: () => 1,
    cpu: (burst) => 21 + 2 / burst,
    memory: (second) => 96 + second * 45,
  },
  http2: {
    middle: (slow) => 700 + slow * 2,
    delivered: () => 1,
    cpu: (burst) => 11 / burst + 1.4,
    memory: (second) => 88 + second * 40,
  },
};

/** Three systems and a peer beside each kind of slow clients, and what the other tables and plots need. */
export function fullResults(): Results {
  full ??= makeFull();
  return full;
}

let full: Results | undefined;

function makeFull(): Results {
  const cells = [...taxCells(), ...cpuCells(), ...memoryCells(), ...recoveryCells(), ...policyCells()];
  return results({ cells, micro: MICRO });
}

function taxCells(): Cell[] {
  return Object.entries(BEHAVIOUR).flatMap(([system, behaviour]) => {
    const make = (id: string, slow: number, slowKind: SlowKind | undefined, control?: string): Cell =>
      cell(id, {
        system,
        ...(system === "spillway" && { variant: "drop-oldest" }),
        load: { ...LOAD, slow, ...(slowKind && { slowKind }) },
        ...(control !== undefined && { control }),
        trials: Array.from({ length: BLOCKS }, (_, block) =>
          trial({
            block,
            seed: id,
            middle: behaviour.middle(slow) * (1 + 0.02 * ((block * 7 + id.length) % 5)),
            // The tail of one system is not to be had: too few samples for a p99.9.
            samples: system === "http2" ? 1_500 : 2_100,
            received: 500_000 * behaviour.delivered(slow),
            cpuMicros: 500_000 * behaviour.delivered(slow) * behaviour.cpu(1) * (1 + 0.01 * block),
            problems:
              id === "tax/spillway/10-paused" && block === 3
                ? ['books do not balance: 2 <more> | "than" there are']
                : [],
            ...(system === "spillway" && { counters: countersOf(slow) }),
          }),
        ),
      });
    const controls = [
      make(`tax/${system}/none`, 0, undefined),
      make(`tax/${system}/10-draining-reconnecting`, 10, "draining-reconnecting"),
    ];
    const kinds = system === "spillway" ? KINDS : (["sigstop"] as const);
    const beside = kinds.flatMap((kind) =>
      [1, 10, 50].map((slow) =>
        make(
          `tax/${system}/${slow}-${kind}`,
          slow,
          kind,
          kind === "reconnecting" ? controls[1]!.id : controls[0]!.id,
        ),
      ),
    );
    return [...controls, ...beside];
  });
}

function countersOf(slow: number): NonNullable<Trial["counters"]> {
  return {
    dropped: slow * 4_321,
    conflated: 0,
    evicted: slow > 10 ? 1 : 0,
    queued: 0,
    queuedBytes: 0,
    writes: 480_000,
  };
}

function cpuCells(): Cell[] {
  return Object.entries(BEHAVIOUR).flatMap(([system, { cpu }]) =>
    [100, 1_000].flatMap((healthy) =>
      [1, 4, 16, 64].map((burst) =>
        cell(`cpu/${system}/${healthy}/${burst}`, {
          scenario: "cpu",
          system,
          load: { ...LOAD, healthy, burst },
          trials: Array.from({ length: BLOCKS }, (_, block) =>
            trial({
              block,
              seed: system,
              samples: 100,
              cpuMicros: 400_000 * cpu(burst) * (1 + 0.02 * block),
              extra: { deliveries: 400_000 },
            }),
          ),
        }),
      ),
    ),
  );
}

function memoryCells(): Cell[] {
  return Object.entries(BEHAVIOUR).map(([system, { memory }]) =>
    cell(`memory/${system}`, {
      scenario: "memory",
      system,
      load: { ...LOAD, slow: 100, slowKind: "paused" },
      trials: [
        trial({
          seed: system,
          timeline: Array.from({ length: 100 }, (_, index) => ({
            atMs: index * 100,
            rssBytes: memory(index / 10) * 1e6,
          })),
        }),
      ],
    }),
  );
}

function recoveryCells(): Cell[] {
  return Object.entries(BEHAVIOUR).map(([system, { middle }]) => {
    const random = randomFrom(11, system);
    return cell(`recovery/${system}`, {
      scenario: "recovery",
      system,
      load: { ...LOAD, slow: 10, slowKind: "sigstop" },
      trials: [
        trial({
          seed: system,
          events: [
            { atMs: 2_000, what: "stopped" },
            { atMs: 7_000, what: "continued" },
          ],
          timeline: Array.from({ length: 100 }, (_, index) => {
            const frozen = index >= 20 && index < 70;
            const p99 = middle(frozen ? 10 : 0) * (2.5 + random());
            return index === 42 ? { atMs: 4_200 } : { atMs: index * 100, p50: p99 / 3, p99, max: p99 * 2 };
          }),
          extra: { currentAfterMs: 120 },
        }),
      ],
    });
  });
}

function policyCells(): Cell[] {
  const policies = {
    "drop-oldest": [0.5, 900],
    "drop-newest": [0.5, 2_400],
    conflate: [0.31, 140],
    evict: [0.08, 60],
  };
  return Object.entries(policies).map(([variant, [share, age]]) =>
    cell(`policy/${variant}`, {
      scenario: "policy",
      variant,
      trials: [trial({ seed: variant, received: 500_000 * share!, extra: { stalenessP99Ms: age! } })],
    }),
  );
}

const MICRO: readonly MicroTable[] = [
  {
    name: "fan-out, drop-oldest, 16 a turn",
    operation: "one message to one of N null sinks",
    reference: "100 subscribers",
    rows: [
      { name: "100 subscribers", nanoseconds: 70, marginPercent: 2, allocatedBytes: 0.4 },
      { name: "10000 subscribers", nanoseconds: 88, marginPercent: 3, allocatedBytes: 0.5 },
    ],
  },
  {
    name: "catching up against live",
    operation: "one of 1000 messages to one of 100 null sinks",
    reference: "live, 16 a turn",
    rows: [
      { name: "live, 16 a turn", nanoseconds: 90, marginPercent: 2 },
      { name: 'catching up from "oldest"', nanoseconds: 91, marginPercent: 3 },
    ],
  },
];
