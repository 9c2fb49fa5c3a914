/**
 * The outgoing port of a subscription. The engine ends here; a transport (a gRPC call, a socket, an iterator)
 * begins here, by implementing {@link Sink}.
 *
 * The contract, the hard parts first:
 *
 * - At most one batch is outstanding. After `write` returned `"pending"` the engine stays away until
 *   `feedback.written()`, which the sink calls exactly once for that batch, or never if the other side goes away.
 * - When the other side goes away, the sink calls `feedback.closed()`; once is enough, more does no harm, and it
 *   may happen at any moment, also inside `write` and `end`.
 * - The array of frames belongs to the engine and is reused: a sink keeps what it needs before `write` returns.
 * - `end` is called at most once, also while a batch is outstanding, and is the last call a sink gets. From then
 *   on the sink frees itself within bounded time, whatever the other side does.
 * - A sink throws nothing. If it cannot go on it calls `feedback.closed()`.
 *
 * @module
 */
import type { EndFrame, Frame, MessageFrame } from "../protocol/index.ts";

/**
 * - `done`: the batch is handed over; the next one may come at once.
 * - `pending`: the sink calls `written()` when it is.
 */
export type WriteOutcome = "done" | "pending";

/** What a sink tells the engine. */
export interface SinkFeedback {
  /** The outstanding batch is handed over. Never pumps; the next batch comes with the next flush. */
  written(): void;
  /**
   * The outstanding batch, if any, is handed over, and its reader waits for more: pumps this one subscription
   * now, on the caller's stack. For sinks that are pulled by code of this process.
   */
  pull(): void;
  /** During `write` only: this message of the batch could not be encoded and is left out of it. */
  unrenderable(message: MessageFrame): void;
  /** The other side is gone. */
  closed(): void;
}

/** Limits of one batch. A batch has at least one frame, whatever its size. */
export interface BatchLimits {
  /** @default 1024 */
  readonly frames: number;
  /** @default 32768 */
  readonly bytes: number;
}

export interface Sink {
  /** Asked once, before the first `write`. `undefined`: the engine's default. */
  readonly batch: BatchLimits | undefined;
  /** Called once, before anything else. */
  open(feedback: SinkFeedback): void;
  /** Frames in the order they are to arrive: `started` first, never `end`. */
  write(frames: readonly Frame[]): WriteOutcome;
  /** The last call. Frames still queued are not coming. */
  end(frame: EndFrame): void;
}
