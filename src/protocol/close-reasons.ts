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
  /** What it means, for people; where an end says no more than its reason, this is its detail. */
  readonly detail: string;
}

/** Every way a subscription can end, what a gRPC client sees, and what it should do. One table for all sides. */
export const CLOSE_REASONS = {
  unsubscribed: { status: "OK", advice: "stop", detail: "the subscriber ended it" },
  completed: { status: "OK", advice: "stop", detail: "there is nothing more to come" },
  cancelled: { status: "CANCELLED", advice: "stop", detail: "the subscriber went away" },
  overflow: {
    status: "RESOURCE_EXHAUSTED",
    advice: "resume",
    detail: "the queue was full, and the policy is to evict",
  },
  overrun: {
    status: "RESOURCE_EXHAUSTED",
    advice: "resume",
    detail: "the publisher did not wait for a blocking subscriber",
  },
  slow: {
    status: "RESOURCE_EXHAUSTED",
    advice: "resume",
    detail: "the subscriber was too slow for too long",
  },
  stalled: {
    status: "RESOURCE_EXHAUSTED",
    advice: "resume",
    detail: "a write made no progress for too long",
  },
  evicted: { status: "RESOURCE_EXHAUSTED", advice: "resume", detail: "an operator of the server ended it" },
  refused: { status: "RESOURCE_EXHAUSTED", advice: "resume", detail: "a limit of the server is reached" },
  replaced: { status: "ABORTED", advice: "stop", detail: "a newer subscription with the same id took over" },
  draining: { status: "UNAVAILABLE", advice: "resume", detail: "the server is shutting down" },
  trimmed: {
    status: "OUT_OF_RANGE",
    advice: "start-fresh",
    detail: "what was asked for is no longer retained",
  },
  "epoch-mismatch": {
    status: "FAILED_PRECONDITION",
    advice: "start-fresh",
    detail: "the position belongs to another history",
  },
  "bad-request": { status: "INVALID_ARGUMENT", advice: "fix", detail: "the request is wrong" },
  unauthenticated: { status: "UNAUTHENTICATED", advice: "fix", detail: "the caller is not authenticated" },
  "not-allowed": {
    status: "PERMISSION_DENIED",
    advice: "fix",
    detail: "the caller is not allowed to do this",
  },
  "id-taken": { status: "ALREADY_EXISTS", advice: "fix", detail: "the id is in use" },
  failed: { status: "INTERNAL", advice: "resume", detail: "the server failed; its log has the details" },
} as const satisfies Record<string, CloseRule>;

export type CloseReason = keyof typeof CLOSE_REASONS;
