/**
 * The port of the benchmark: what a way of fanning out must do to be measured beside the others.
 *
 * One module per system, with a {@link System} as its default export. It is loaded in two kinds of process, and what it
 * keeps in variables is not shared between them: `start` runs in the server process, beside the publisher; `subscribe` runs
 * in client processes, once per subscriber. A payload must arrive byte for byte; nothing else about it concerns a system.
 *
 * @module
 */
import type { OverflowPolicyName, QueueBounds } from "../src/protocol/index.ts";

/**
 * - `ours`: Spillway.
 * - `baseline`: another way to do it with the same grpc-js.
 * - `peer`: something else altogether, for comparison. Its clients may be cheaper or dearer; its server is measured.
 */
export type SystemKind = "ours" | "baseline" | "peer";

/** What a system may be set to. Those that have no such thing ignore it. */
export interface Settings {
  readonly overflow?: OverflowPolicyName;
  readonly queue?: QueueBounds;
  /** Messages retained per topic, for those who park or come back. */
  readonly retainMessages?: number;
  /** Evict a subscriber that has been stalled for so long, in milliseconds. */
  readonly evictStalledMs?: number;
  readonly lingerMs?: number;
}

export interface System {
  /** Short and unique: `sequential-await`. */
  readonly name: string;
  readonly kind: SystemKind;
  /** One line for the report: what it does. */
  readonly about: string;
  /** Asked once per run, in the orchestrator. */
  probe(): Promise<Availability>;
  /** In the server process. Resolves when subscribers may come. */
  start(settings: Settings): Promise<RunningServer>;
  /** In a client process: one subscriber on a connection of its own. Resolves when what is published from now on is for it. */
  subscribe(address: string, listener: Listener): Promise<ClientSubscription>;
  /** Several subscribers as streams of one connection; absent where the system has no such thing. */
  subscribeShared?(address: string, listeners: readonly Listener[]): Promise<readonly ClientSubscription[]>;
  /** A subscriber that never grants flow control any window; absent where the system has no such thing. */
  subscribeWithoutWindow?(address: string): Promise<ClientSubscription>;
  /** A subscriber that costs as little as can be, for where only the server is measured; `subscribe` where absent. */
  subscribeRaw?(address: string, listener: Listener): Promise<ClientSubscription>;
}

export type Availability = { readonly version: string } | { readonly unavailable: string };

export interface Listener {
  /** A payload as it was published. It belongs to the system: copy what is kept. */
  message(payload: Uint8Array): void;
  /** The system says that it dropped so many messages for this subscriber; `undefined`: it cannot say how many. */
  lost?(count: number | undefined): void;
  /** The other side, or the connection, ended it. */
  ended?(reason: string): void;
}

export interface ClientSubscription {
  /** Stops reading: the kernel's buffers and the system's own fill up. */
  pause(): void;
  resume(): void;
  close(): void;
}

export interface RunningServer {
  /** What clients need to connect, as one string. */
  readonly address: string;
  /** Processes of the system beside this one, whose CPU time and memory count as the server's. */
  readonly pids?: readonly number[];
  /**
   * Hands a payload to the system, for all subscribers. Called by the schedule, which never waits for it: a system whose
   * own loop waits keeps what it has not got to. The buffer is not changed afterwards.
   */
  publish(payload: Uint8Array): void;
  /** What the system itself counted, where it counts. */
  counters?(): ServerCounters;
  stop(): Promise<void>;
}

/** Messages, summed over subscribers, since the start. */
export interface ServerCounters {
  readonly dropped: number;
  readonly conflated: number;
  readonly evicted: number;
  /** Messages and bytes waiting now. */
  readonly queued: number;
  readonly queuedBytes: number;
  /** Writes handed to the transport; for messages per write. */
  readonly writes: number;
  /** Whether the system's own books balance; absent where it keeps none. */
  readonly balanced?: boolean;
}
