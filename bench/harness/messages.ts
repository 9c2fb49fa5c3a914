/**
 * What passes between the orchestrator and its processes. One request, one answer; whatever goes wrong in a process is
 * `failed`, and says so itself.
 *
 * @module
 */
import type { HistogramData, SlowKind } from "../results.ts";
import type { ServerCounters, Settings } from "../system.ts";
import type { ClosedBooks } from "./books.ts";
import type { Phase } from "./schedule.ts";

/** What a warm-up publishes; none of it is in the books. */
export interface WarmUp {
  readonly phases: readonly Phase[];
  readonly payloadBytes: number;
}

/** The measured time, as both sides know it before it begins. */
export interface Measured {
  readonly startNanos: number;
  readonly phases: readonly Phase[];
  readonly payloadBytes: number;
  /** Length of a point of the timeline. */
  readonly spanMs: number;
  /** Whether what was dropped has no latency, or one until the end. */
  readonly excusesDrops: boolean;
}

export type ToServer =
  | { readonly type: "start"; readonly module: string; readonly settings: Settings }
  | { readonly type: "warm-up"; readonly warmUps: readonly WarmUp[] }
  /** Collect garbage, so that the warm-up's is not counted. */
  | { readonly type: "collect" }
  | { readonly type: "begin"; readonly measured: Measured; readonly loopResolutionMs: number }
  | { readonly type: "finish" }
  | { readonly type: "stop" };

export type FromServer =
  | { readonly type: "started"; readonly address: string; readonly pids: readonly number[] }
  /** All of the warm-up was published. */
  | { readonly type: "warmed"; readonly messages: number }
  | { readonly type: "collected"; readonly memory: MemoryMark }
  /** The server is ready for the start time. */
  | { readonly type: "begun" }
  /** All of the schedule was published. */
  | { readonly type: "published"; readonly messages: number }
  | { readonly type: "measured"; readonly measurements: ServerMeasurements }
  | { readonly type: "stopped" }
  | Failed;

/** What the server process holds after its garbage was collected. */
export interface MemoryMark {
  readonly heapBytes: number;
  /** Contents of buffers, which lie outside of the heap. */
  readonly bufferBytes: number;
}

export interface ServerMeasurements {
  readonly publish: HistogramData;
  readonly lateness: HistogramData;
  readonly loopDelay: HistogramData;
  readonly cpuMicros: number;
  readonly seconds: number;
  readonly rssBytes: { readonly before: number; readonly peak: number };
  readonly heapBytes: { readonly before: number; readonly peak: number };
  /** What was counted in the measured time; what waits is what waited when it was over. */
  readonly counters?: ServerCounters;
  readonly memory: readonly {
    readonly atMs: number;
    readonly rssBytes: number;
    readonly heapBytes: number;
  }[];
}

/** `healthy` reads everything, and its books are those of the trial. */
export type Behaviour =
  | "healthy"
  | SlowKind
  /** Subscribes, reads for a moment, and is gone for good: its place is taken by another. */
  | "churning";

export interface Subscribers {
  readonly behaviour: Behaviour;
  readonly count: number;
  /** Streams on each connection. */
  readonly perConnection: number;
  /** The client that costs least, where the system has one. */
  readonly raw: boolean;
  /** How long a `delayed` reader does not read, after every message. */
  readonly delayMs: number;
  /** Streams beside them on the first shared connection that stop reading. */
  readonly slowAmong: number;
  /** How many of those that are `churning` come per second, altogether. */
  readonly churnPerSecond: number;
}

export type ToClient =
  | {
      readonly type: "subscribe";
      readonly module: string;
      readonly address: string;
      readonly subscribers: Subscribers;
    }
  /** Wait until every subscriber has all of the warm-up, or was told that it has not. */
  | { readonly type: "settle"; readonly warmUp: number; readonly limitMs: number }
  | { readonly type: "begin"; readonly measured: Measured; readonly warmUp: number }
  /** Everything is published: wait until every subscriber has it or was told, then close the books. */
  | { readonly type: "finish"; readonly limitMs: number };

export type FromClient =
  | { readonly type: "subscribed" }
  | { readonly type: "settled"; readonly behind: number }
  | { readonly type: "begun" }
  | { readonly type: "report"; readonly report: ClientReport }
  | Failed;

export interface ClientReport {
  readonly books: ClosedBooks;
  /** Of what was received. */
  readonly latency: HistogramData;
  /** Of what was not: as late as the trial is long. What was dropped is in it unless drops are excused. */
  readonly absent: HistogramData;
  /** How often a loss was told, whatever its size. */
  readonly notices: number;
  readonly spans: readonly (HistogramData | undefined)[];
  /** Messages of the measured time that reached the process, whoever they were for and whatever became of them. */
  readonly deliveries: number;
  /** Messages that are not what was published. */
  readonly garbled: number;
  /** Subscriptions that the other side ended, and what it said of the first. */
  readonly ended: number;
  readonly endedFirst?: string;
  /**
   * When the last message came that was late, in milliseconds after the start: the end of the trial where some have still
   * not come. Absent when none was late.
   */
  readonly lastLateAtMs?: number;
  readonly extra?: Readonly<Record<string, number>>;
}

export interface Failed {
  readonly type: "failed";
  /** The system cannot do what was asked for: not an error, but nothing to measure either. */
  readonly unavailable: boolean;
  readonly reason: string;
}
