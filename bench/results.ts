/**
 * What a run writes down: the JSON file that the report, the plots and `BENCHMARKS.md` are made from, and that others can
 * read. Histograms are kept whole, so every table can be made again, or made differently, without measuring again.
 *
 * @module
 */

/** Raised when a reader of older files would misunderstand a newer one. */
export const RESULTS_SCHEMA = 1;

export interface Results {
  readonly schema: typeof RESULTS_SCHEMA;
  readonly environment: Environment;
  /** How to do it again. */
  readonly command: string;
  readonly seed: number;
  readonly startedAt: string;
  readonly seconds: number;
  readonly systems: readonly SystemInfo[];
  readonly cells: readonly Cell[];
  readonly micro: readonly MicroTable[];
}

export interface Environment {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly kernel: string;
  readonly node: string;
  readonly grpcJs: string;
  /** With `+` behind it when the checkout had changes. */
  readonly commit: string;
  /** How processes were bound to cores. */
  readonly pinning: string;
}

export interface SystemInfo {
  readonly name: string;
  readonly kind: "ours" | "baseline" | "peer";
  readonly about: string;
  readonly version?: string;
  readonly unavailable?: string;
}

export type SlowKind =
  /** Reads on, but slower than is published. */
  | "delayed"
  /** Has stopped reading; its process lives and answers PINGs. */
  | "paused"
  /** Its process is stopped. */
  | "sigstop"
  /** Its flow-control window is 0 from the beginning. */
  | "window-0"
  /** Stalls, and comes back on a new connection every 500 ms. */
  | "reconnecting"
  /** Reads everything: the control for the others. */
  | "draining"
  /** Reads everything, on a new connection every 500 ms: the control for `reconnecting`. */
  | "draining-reconnecting";

/** One combination of system, load and company, measured several times. */
export interface Cell {
  /** Unique in the run. */
  readonly id: string;
  readonly scenario: string;
  readonly system: string;
  /** The overflow policy, or another setting that tells cells of one system apart. */
  readonly variant?: string;
  readonly load: Load;
  /** The cell of the same blocks that it is compared with; itself the control when absent. */
  readonly control?: string;
  readonly trials: readonly Trial[];
  /** Why it could not be measured; it has no trials then. */
  readonly unavailable?: string;
}

export interface Load {
  readonly healthy: number;
  readonly slow: number;
  readonly slowKind?: SlowKind;
  readonly payloadBytes: number;
  /** Messages per second that the schedule asks for. */
  readonly rate: number;
  /** Messages published in one turn of the event loop; the schedule has `rate / burst` turns a second. */
  readonly burst: number;
  /** Subscribers per connection; 1 when absent. */
  readonly perConnection?: number;
  readonly seconds: number;
}

/** Times of a histogram are microseconds. */
export interface HistogramData {
  /** Compressed HdrHistogram V2, base64: any HdrHistogram tool reads it. */
  readonly hdr: string;
  readonly count: number;
}

/** One measurement in fresh processes. */
export interface Trial {
  /** Trials of one block were measured close together, in shuffled order: what is compared is compared within a block. */
  readonly block: number;
  /** Reasons why it does not count; empty when it does. Any makes the run fail. */
  readonly problems: readonly string[];
  /**
   * The problems of the attempt before this one, which failed for reasons of the machine or the harness, not of the system,
   * and was repeated once; absent when the first attempt counts.
   */
  readonly firstAttempt?: readonly string[];
  readonly books: ClientBooks;
  /** From the time a message was due by the schedule until a healthy subscriber had it; what never came counts until the end. */
  readonly latency: HistogramData;
  /** How long `publish` took. */
  readonly publish: HistogramData;
  /** How late the schedule itself was. */
  readonly lateness: HistogramData;
  /** Delay of the server's event loop. */
  readonly loopDelay: HistogramData;
  /** CPU time of the server's processes in the measured time, in microseconds. */
  readonly cpuMicros: number;
  /** Length of the measured time. */
  readonly seconds: number;
  /** Resident memory of the server's processes when the measured time began, and the most in it. */
  readonly rssBytes: { readonly before: number; readonly peak: number };
  readonly heapBytes: { readonly before: number; readonly peak: number };
  readonly counters?: {
    readonly dropped: number;
    readonly conflated: number;
    readonly evicted: number;
    readonly queued: number;
    readonly queuedBytes: number;
    readonly writes: number;
  };
  /** Course of the trial, a point every 100 ms, or at longer intervals in a long one. */
  readonly timeline: readonly TimelinePoint[];
  /** What happened when: `stopped`, `continued`, `burst`. Milliseconds since the measured time began. */
  readonly events?: readonly { readonly atMs: number; readonly what: string }[];
  /** Figures that only one scenario has, by name with the unit in it. */
  readonly extra?: Readonly<Record<string, number>>;
}

/** Messages of the measured time, summed over the healthy subscribers. */
export interface ClientBooks {
  readonly published: number;
  /** `published` for each healthy subscriber. */
  readonly expected: number;
  readonly received: number;
  /** Told as lost. */
  readonly announced: number;
  /** Missing, though a later one came, and not told. */
  readonly missing: number;
  /** Not there when the trial ended. */
  readonly undelivered: number;
  readonly duplicated: number;
  readonly reordered: number;
}

export interface TimelinePoint {
  readonly atMs: number;
  /** Latency of the messages due in this span, microseconds; absent when none was. */
  readonly p50?: number;
  readonly p99?: number;
  readonly max?: number;
  readonly rssBytes?: number;
  readonly heapBytes?: number;
}

/** One table of the micro-benchmarks: rows that do the same work in different ways. */
export interface MicroTable {
  readonly name: string;
  /** What one operation is. */
  readonly operation: string;
  /** The row that the others are compared with, by name. */
  readonly reference?: string;
  /** It is about bytes; its rows have 0 for their times. */
  readonly bytesOnly?: boolean;
  readonly rows: readonly MicroRow[];
}

export interface MicroRow {
  readonly name: string;
  /** Nanoseconds per operation: median, and its relative margin of error in percent. */
  readonly nanoseconds: number;
  readonly marginPercent: number;
  /** Bytes allocated per operation, where measured. */
  readonly allocatedBytes?: number;
  /** Bytes still held after it, where measured. */
  readonly heldBytes?: number;
}
