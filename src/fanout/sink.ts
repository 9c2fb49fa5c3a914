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
import type { EndFrame, Frame, GapFrame, MessageFrame } from "../protocol/index.ts";
import type { Message } from "./message.ts";

/** A frame as a sink gets it: messages are the engine's own, which carry their encodings with them. */
export type SinkFrame = Exclude<Frame, MessageFrame | EndFrame> | Message;

/**
 * - `done`: the batch is handed over; the next one may come at once.
 * - `pending`: it is under way; the sink calls `written()` when it is handed over.
 * - `paused`: it is handed over, and the next one may come only when the sink calls `pull()`. A paused
 *   subscription is never called stalled: it is its reader who is busy, not a write.
 */
export type WriteOutcome = "done" | "pending" | "paused";

/** What a sink tells the engine. */
export interface SinkFeedback {
  /** The outstanding batch is handed over. Never pumps; the next batch comes with the next flush. */
  written(): void;
  /**
   * A paused sink's reader waits for more: pumps this one subscription now, on the caller's stack. When nothing
   * is queued, the next flush that has something writes it.
   */
  pull(): void;
  /**
   * During `write` only: this message of the batch cannot be encoded. Counts it as lost, and returns the notice
   * that the sink writes in its place.
   */
  unrenderable(message: Message): GapFrame;
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
  readonly batch?: BatchLimits;
  /** The sink begins paused: it is written to only after `pull()`. */
  readonly pulled?: boolean;
  /** Called once, before anything else. */
  open(feedback: SinkFeedback): void;
  /** Frames in the order they are to arrive: `started` first, never `end`. */
  write(frames: readonly SinkFrame[]): WriteOutcome;
  /** The last call. Frames still queued are not coming. */
  end(frame: EndFrame): void;
}
