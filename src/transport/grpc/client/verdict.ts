/**
 * What to do about a call that is over: nothing, come back, or tell the reader. One rule for every stream.
 *
 * A server of this project says why it ended a stream, and the table of close reasons says what a client does
 * about it. Any other server, and everything between (proxies, the network, grpc-js itself), says a status code
 * only; then the code decides. A cancellation that this side caused never gets here.
 *
 * @module
 */
import { Metadata, type ServiceError, status as statusCodes } from "@grpc/grpc-js";
import { type ErrorCode, SpillwayError } from "../../../errors.ts";
import { CLOSE_REASONS } from "../../../protocol/index.ts";
import { type ReceivedStatus, readStatus } from "../status.ts";

/**
 * - `finish`: the stream is complete.
 * - `again`: come back, not before `floorMs`; `fresh` without the position, which is worthless there.
 * - `fail`: coming back unchanged cannot help; the reader gets `error`.
 */
export type Verdict =
  | { readonly kind: "finish" }
  | {
      readonly kind: "again";
      readonly fresh: boolean;
      readonly floorMs: number;
      readonly error: SpillwayError;
    }
  | { readonly kind: "fail"; readonly error: SpillwayError };

export interface Situation {
  /** The server's address, for people. */
  readonly address: string;
  /** The call asked for a position, so that coming back without one would be something else. */
  readonly resuming: boolean;
  /** A server that cannot be reached is final: the reader does not want to wait for one. */
  readonly mustReach: boolean;
}

/** @param error `undefined`: the status was OK. */
export function decide(error: ServiceError | undefined, situation: Situation): Verdict {
  if (error === undefined) return { kind: "finish" };
  const received = readStatus(error);
  const told = toSpillwayError(error, situation.address);
  if (told.code === "UNREACHABLE" && situation.mustReach) return { kind: "fail", error: told };
  // The message waits where the position points: every resume would meet it again.
  if (told.code === "MESSAGE_TOO_LARGE") return { kind: "fail", error: told };
  if (received.advice === "resume" || (received.advice === "start-fresh" && situation.resuming)) {
    const fresh = received.advice === "start-fresh";
    return { kind: "again", fresh, floorMs: received.retryAfterMs ?? 0, error: told };
  }
  return { kind: "fail", error: told };
}

/** Where the server does not say which error it was. */
const CODE_OF_REASON: Readonly<Record<string, ErrorCode>> = {
  "bad-request": "REQUEST_INVALID",
  "epoch-mismatch": "EPOCH_MISMATCH",
  unauthenticated: "UNAUTHENTICATED",
  "not-allowed": "NOT_ALLOWED",
  "id-taken": "ID_TAKEN",
  "id-unknown": "ID_UNKNOWN",
  refused: "LIMIT_REACHED",
  draining: "CLOSED",
  // Of servers that give no reason of ours.
  INVALID_ARGUMENT: "REQUEST_INVALID",
  UNAUTHENTICATED: "UNAUTHENTICATED",
  PERMISSION_DENIED: "NOT_ALLOWED",
  UNAVAILABLE: "UNREACHABLE",
  DEADLINE_EXCEEDED: "UNREACHABLE",
};

/** A status as the one error class, with the server's own sentence where it has one. */
export function toSpillwayError(error: ServiceError, address: string): SpillwayError {
  const received = readStatus(error);
  const code = codeOf(error, received);
  const { reason, field } = received;
  return new SpillwayError(code, sentence(code, received, address), {
    reason,
    cause: error,
    ...(field === undefined ? {} : { field }),
  });
}

function codeOf(error: ServiceError, { reason, code }: ReceivedStatus): ErrorCode {
  if (code !== undefined) return code;
  // grpc-js's own words on either side, for a message above the limit of the side that receives it.
  if (
    error.code === statusCodes.RESOURCE_EXHAUSTED &&
    !Object.hasOwn(CLOSE_REASONS, reason) &&
    /message larger than max/i.test(error.details)
  ) {
    return "MESSAGE_TOO_LARGE";
  }
  return CODE_OF_REASON[reason] ?? "ENDED";
}

function sentence(code: ErrorCode, { reason, detail }: ReceivedStatus, address: string): string {
  if (code === "UNREACHABLE") return `cannot reach a server at ${address}: ${connectError(detail)}`;
  if (code === "MESSAGE_TOO_LARGE" && reason === "RESOURCE_EXHAUSTED") {
    const [, got, most] = /\((\d+) vs\.? (\d+)\)/.exec(detail) ?? [];
    return got === undefined ? detail : `expected a gRPC message of at most ${most} bytes, got ${got}`;
  }
  if (reason === "UNIMPLEMENTED") return `the server at ${address} does not offer this service: ${detail}`;
  return detail === "" ? `the server at ${address} ended the call with ${reason}` : detail;
}

/** The heart of grpc-js's "No connection established. Last error: Error: connect ECONNREFUSED …. Resolution note: ". */
function connectError(detail: string): string {
  return detail.match(/Last error: (?:Error: )?(.+?)\. Resolution note:/s)?.[1] ?? detail;
}

/** What grpc-js would say, had it a limit for connecting. */
export function connectTimedOut(ms: number): ServiceError {
  return Object.assign(new Error(`no connection within ${ms} ms`), {
    code: statusCodes.UNAVAILABLE,
    details: `no connection within ${ms} ms`,
    metadata: new Metadata(),
  });
}
