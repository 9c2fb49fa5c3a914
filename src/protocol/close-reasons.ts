/** Names of the gRPC status codes that a subscription can end with. */
export type StatusName =
  | "OK"
  | "CANCELLED"
  | "INVALID_ARGUMENT"
  | "ALREADY_EXISTS"
  | "PERMISSION_DENIED"
  | "RESOURCE_EXHAUSTED"
  | "FAILED_PRECONDITION"
  | "ABORTED"
  | "OUT_OF_RANGE"
  | "INTERNAL"
  | "UNAVAILABLE"
  | "UNAUTHENTICATED";

/**
 * What a client does about an end.
 *
 * - `stop`: it is over, or another took its place.
 * - `resume`: come back with the last position, after the retry delay.
 * - `start-fresh`: the position is worthless here; come back without it.
 * - `fix`: the request itself is wrong; coming back unchanged cannot help.
 */
export type CloseAdvice = "stop" | "resume" | "start-fresh" | "fix";

export interface CloseRule {
  readonly status: StatusName;
  readonly advice: CloseAdvice;
}

/** Every way a subscription can end, what a gRPC client sees, and what it should do. One table for all sides. */
export const CLOSE_REASONS = {
  /** The subscriber asked for the end. */
  unsubscribed: { status: "OK", advice: "stop" },
  /** The owner ended it; there is nothing more to come. */
  completed: { status: "OK", advice: "stop" },
  /** The other side went away; nobody is left to be told. */
  cancelled: { status: "CANCELLED", advice: "stop" },
  /** The queue was full under the policy `evict`. */
  overflow: { status: "RESOURCE_EXHAUSTED", advice: "resume" },
  /** A write made no progress for too long. */
  stalled: { status: "RESOURCE_EXHAUSTED", advice: "resume" },
  /** Refused before it started: a limit of the server is reached. */
  refused: { status: "RESOURCE_EXHAUSTED", advice: "resume" },
  /** A newer subscription with the same id took over. */
  replaced: { status: "ABORTED", advice: "stop" },
  /** The server is shutting down or moving its clients. */
  draining: { status: "UNAVAILABLE", advice: "resume" },
  /** What was asked for is no longer retained. */
  trimmed: { status: "OUT_OF_RANGE", advice: "start-fresh" },
  /** The position belongs to another history. */
  "epoch-mismatch": { status: "FAILED_PRECONDITION", advice: "start-fresh" },
  "bad-request": { status: "INVALID_ARGUMENT", advice: "fix" },
  unauthenticated: { status: "UNAUTHENTICATED", advice: "fix" },
  "not-allowed": { status: "PERMISSION_DENIED", advice: "fix" },
  "id-taken": { status: "ALREADY_EXISTS", advice: "fix" },
  /** A fault of the server's own code; its log has the details. */
  failed: { status: "INTERNAL", advice: "resume" },
} as const satisfies Record<string, CloseRule>;

export type CloseReason = keyof typeof CLOSE_REASONS;
