/**
 * What a run with `--config` writes down: one or several configurations under the same load. As with {@link Results},
 * histograms are kept whole, and the report is made from this alone.
 *
 * @module
 */
import type { Environment, HistogramData } from "./results.ts";

/** Raised when a reader of older files would misunderstand a newer one. */
export const CONFIG_RESULTS_SCHEMA = 1;

export interface ConfigResults {
  readonly schema: typeof CONFIG_RESULTS_SCHEMA;
  readonly about: "configurations";
  readonly environment: Environment;
  /** How to do it again. */
  readonly command: string;
  readonly seed: number;
  readonly startedAt: string;
  readonly seconds: number;
  readonly load: ConfigLoad;
  readonly groups: readonly Group[];
  readonly kinds: readonly Kind[];
  /** In the order in which they were given. */
  readonly configs: readonly MeasuredConfig[];
}

/** A stretch of the measured time, in milliseconds since it began. */
export interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What is published and what clients do, the same for every configuration. */
export interface ConfigLoad {
  /** Messages take turns in being published to them. */
  readonly topics: readonly string[];
  /** Messages a second, on each topic. */
  readonly rate: number;
  /** Messages published in one turn of the event loop; as many on each topic. */
  readonly burst: number;
  readonly payloadBytes: number;
  /** Of each topic; its messages take turns in having them. */
  readonly keys: number;
  /** Length of the measured time. */
  readonly seconds: number;
  /** While their process is stopped. */
  readonly frozen: Stretch;
  /** While those are gone that come back with their position. */
  readonly away: readonly Stretch[];
}

/** Clients that the configurations may treat alike: of one class, or on one topic. */
export interface Group {
  readonly name: string;
  readonly topic: string;
  /** How they look to the server, so that the class of that name fits them. */
  readonly guise: Guise;
}

/** What a client says of itself, and what the benchmark's `authorize` hook believes. */
export interface Guise {
  readonly clientName?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly identity?: string;
  /** For a class without `match`: the hook names it. */
  readonly class?: string;
}

export type KindName =
  /** Reads everything at once. */
  | "healthy"
  /** Reads at a rate of its own, which is less than what is published. */
  | "slow"
  /** Its process is stopped for a while. */
  | "frozen"
  /** Leaves and comes back with its position. */
  | "returning";

/** Clients of one group that do the same. */
export interface Kind {
  /** Unique in the run: `dashboards/slow 10 %`. */
  readonly id: string;
  /** The name of its group. */
  readonly group: string;
  readonly name: KindName;
  readonly subscribers: number;
  /** Of one that is slow. */
  readonly readsPerSecond?: number;
}

export interface MeasuredConfig {
  /** `A`, `B`, … */
  readonly letter: string;
  /** Its name, without folders. */
  readonly file: string;
  /** Every option as it counts, in the file's names and units, by its path. */
  readonly effective: Readonly<Record<string, string>>;
  /** What counts for each group of clients and for its topic, of the hub and of the server; by the name of the group. */
  readonly counting: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly trials: readonly ConfigTrial[];
}

/** One measurement in fresh processes. */
export interface ConfigTrial {
  /** Trials of one block were measured close together: what is compared is compared within a block. */
  readonly block: number;
  /** Reasons why it does not count; empty when it does. Any makes the run fail. */
  readonly problems: readonly string[];
  /** The problems of the attempt before this one, which failed for reasons of the machine and was repeated once. */
  readonly firstAttempt?: readonly string[];
  /** Absent when nothing could be measured. */
  readonly server?: ServerFigures;
  /** By the id of the kind. */
  readonly kinds: Readonly<Record<string, KindFigures>>;
}

export interface ServerFigures {
  readonly rssBytes: { readonly before: number; readonly peak: number };
  readonly heapBytes: { readonly before: number; readonly peak: number };
  /** CPU time in the measured time, in microseconds. */
  readonly cpuMicros: number;
  readonly seconds: number;
  /** The most that waited at once in all queues together, where a payload counts once for each queue. */
  readonly queuedBytesPeak: number;
  /** The most that the logs of all topics held at once. */
  readonly retainedBytesPeak: number;
  readonly publishes: number;
  /** Calls of `publish` that said to wait, which this publisher does not. */
  readonly askedToWait: number;
  /** How long `publish` took. */
  readonly publish: HistogramData;
  /** How late the schedule itself was. */
  readonly lateness: HistogramData;
  /** Delay of the event loop. */
  readonly loopDelay: HistogramData;
}

/** Of one kind in one trial. */
export interface KindFigures {
  readonly hub: HubBooks;
  readonly client: ClientFigures;
  readonly treatment: Treatment;
}

/** How the server treated them, as it says itself. */
export interface Treatment {
  readonly class?: string;
  /** The most specific pattern of the file that matches their topic. */
  readonly pattern?: string;
  readonly overflow: string;
  /** Bounds of the queue, in the file's units. */
  readonly queue: string;
  /** What their topic retains; absent: nothing. */
  readonly retention?: string;
  /** From mild to strict, as text. */
  readonly rungs: readonly string[];
  /** Those of the rungs that ask for a longer time than this load lasts. */
  readonly unreached: readonly string[];
}

/**
 * The hub's books of them in the measured time, in messages. What waited when it began and what matched since is now
 * delivered, dropped, conflated, expired, discarded or waiting.
 */
export interface HubBooks {
  readonly waitedBefore: number;
  readonly matched: number;
  readonly delivered: number;
  /** By the reason that the gap notices give; only those that occurred. */
  readonly dropped: Readonly<Record<string, number>>;
  readonly conflated: number;
  readonly expired: number;
  /** Was waiting or in flight when its subscription ended. */
  readonly discarded: number;
  readonly waiting: number;
  /** Subscriptions that ended, by reason. */
  readonly ended: Readonly<Record<string, number>>;
  /** The most that ever waited for one of them, in bytes. */
  readonly queuedBytesPeak: number;
  /** Of the looks that were taken at their subscriptions: how many there were, and of these how many found one parked … */
  readonly looks: number;
  /** … parked, or reading on from the log after that, … */
  readonly looksParked: number;
  /** … and on a rung of its escalation. */
  readonly looksOnRung: number;
}

/** What the clients themselves saw of the measured time, in messages, summed over them. */
export interface ClientFigures {
  readonly subscribers: number;
  /** What was published on their topic, once for each of them. */
  readonly expected: number;
  readonly read: number;
  /** Told as lost or as replaced by a newer one. */
  readonly told: number;
  /** Not there though a later one is, and not told. */
  readonly missing: number;
  /** Not there when the trial was over. */
  readonly undelivered: number;
  readonly duplicated: number;
  readonly reordered: number;
  /** Told as lost, though nothing was. */
  readonly falselyTold: number;
  /** Messages that were told as no longer retained. */
  readonly trimmed: number;
  /** Losses told whose size nobody knows. */
  readonly unknownLosses: number;
  /** Messages that are not what was published. */
  readonly garbled: number;
  /** Times that one of them came back, by itself or on purpose. */
  readonly comebacks: number;
  /** Subscriptions that were over for good, and what the first of them was told. */
  readonly over: number;
  readonly overFirst?: string;
  /** From the time a message was due by the schedule until it was read. */
  readonly age: HistogramData;
  /**
   * Every ten milliseconds, for each key: how long ago the value that the client holds was replaced by a newer one; 0 when
   * it is the newest.
   */
  readonly outOfDate: HistogramData;
  /** How often it was looked. */
  readonly looks: number;
}
