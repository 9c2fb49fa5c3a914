/**
 * How an end or a refusal looks in gRPC, in both directions.
 *
 * A status says the same thing three times, for three kinds of clients: the code and a sentence; plain ASCII
 * trailers (`spillway-reason`, `-epoch`, `-offset`, `-lost`, `-retry-after-ms`), readable with any library; and
 * `google.rpc.Status` with `ErrorInfo` and `RetryInfo` in `grpc-status-details-bin`, which tools understand.
 *
 * What is not a {@link SpillwayError} is a fault of the server's own code: the client learns that there was one,
 * and nothing more.
 *
 * @module
 */
import { Metadata, type StatusObject, status as statusCodes } from "@grpc/grpc-js";
import { type ErrorCode, SpillwayError } from "../../errors.ts";
import {
  CLOSE_REASONS,
  type CloseAdvice,
  type CloseReason,
  type EndFrame,
  type Position,
} from "../../protocol/index.ts";
import { loadContracts, type RpcErrorInfo, type WireAny } from "./contracts.ts";
import { toSafeInteger } from "./wire.ts";

/** Whose vocabulary the reasons in `ErrorInfo` are. */
export const ERROR_DOMAIN = "spillway";

/** Why a call ended: a close reason, or the one refusal that ends nothing. */
export type StatusReason = CloseReason | "id-unknown";

/** An end as a client reads it from a status. */
export interface ReceivedStatus {
  /** A {@link CloseReason}; the name of the gRPC status where the server gave none. */
  readonly reason: string;
  readonly advice: CloseAdvice;
  /** One sentence for people, as the server put it. */
  readonly detail: string;
  /** The highest position that the server knows to be behind the client; the client often knows better. */
  readonly position: Position | undefined;
  /** Messages lost in the subscription's lifetime, as far as the server told. */
  readonly lost: number | undefined;
  /** How long to wait before coming back, in milliseconds. */
  readonly retryAfterMs: number | undefined;
  /** The request field at fault, as the wire contract spells it. */
  readonly field: string | undefined;
  /** What the server itself threw: finer than the reason. `undefined` for an end, and where the server does not say. */
  readonly code: ErrorCode | undefined;
}

const REASON_OF_ERROR = {
  TOPIC_INVALID: "bad-request",
  PATTERN_INVALID: "bad-request",
  MESSAGE_INVALID: "bad-request",
  MESSAGE_TOO_LARGE: "bad-request",
  REQUEST_INVALID: "bad-request",
  POSITION_INVALID: "bad-request",
  EPOCH_MISMATCH: "epoch-mismatch",
  UNAUTHENTICATED: "unauthenticated",
  NOT_ALLOWED: "not-allowed",
  ID_TAKEN: "id-taken",
  ID_UNKNOWN: "id-unknown",
  LIMIT_REACHED: "refused",
  TIMEOUT: "refused",
  CLOSED: "draining",
  ENDED: "failed",
  ADDRESS_INVALID: "failed",
  ADDRESS_UNAVAILABLE: "failed",
  UNREACHABLE: "failed",
  CONFIG_INVALID: "failed",
  PACKAGE_MISSING: "failed",
} as const satisfies Record<ErrorCode, StatusReason>;

/** What a client does about a status whose server gave no reason of ours, for example because a proxy made it. */
const ADVICE_OF_STATUS: Readonly<Record<string, CloseAdvice>> = {
  OK: "stop",
  CANCELLED: "resume",
  UNKNOWN: "resume",
  INVALID_ARGUMENT: "fix",
  DEADLINE_EXCEEDED: "resume",
  NOT_FOUND: "fix",
  ALREADY_EXISTS: "fix",
  PERMISSION_DENIED: "fix",
  RESOURCE_EXHAUSTED: "resume",
  FAILED_PRECONDITION: "start-fresh",
  // Two clients that replace each other for ever are worse than one that stops.
  ABORTED: "stop",
  OUT_OF_RANGE: "start-fresh",
  UNIMPLEMENTED: "fix",
  INTERNAL: "resume",
  UNAVAILABLE: "resume",
  DATA_LOSS: "resume",
  UNAUTHENTICATED: "fix",
};

/** Longest `details` that is sent, in characters: headers are bounded, and a status that does not fit is lost. */
const MAX_DETAILS_LENGTH = 1024;

/** A plain end, nothing to add. */
export const OK: StatusObject = { code: statusCodes.OK, details: "OK", metadata: new Metadata() };

interface StatusParts {
  readonly reason: StatusReason;
  readonly detail: string;
  readonly position?: Position | undefined;
  readonly lost?: number | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly field?: string | undefined;
  readonly code?: ErrorCode | undefined;
}

/** Server: the status that a subscription ends with. */
export function endToStatus(end: EndFrame): StatusObject {
  return toStatus(end);
}

/**
 * Server: the status that refuses a call.
 *
 * @param retryAfterMs told to clients whose advice is to come back.
 */
export function errorToStatus(error: unknown, retryAfterMs?: number): StatusObject {
  if (!(error instanceof SpillwayError)) {
    return toStatus({ reason: "failed", detail: CLOSE_REASONS.failed.detail });
  }
  const reason: StatusReason = REASON_OF_ERROR[error.code];
  const returns = reason !== "id-unknown" && CLOSE_REASONS[reason].advice === "resume";
  return toStatus({
    reason,
    detail: error.message,
    field: error.field,
    // A failure of the server's own is no business of the client's.
    code: reason === "failed" ? undefined : error.code,
    retryAfterMs: returns ? retryAfterMs : undefined,
  });
}

function toStatus(parts: StatusParts): StatusObject {
  const { reason, position, lost, retryAfterMs, field, code: errorCode } = parts;
  const code = reason === "id-unknown" ? statusCodes.NOT_FOUND : statusCodes[CLOSE_REASONS[reason].status];
  const details = toHeaderText(parts.detail);
  const metadata = new Metadata();
  metadata.set("spillway-reason", reason);
  const facts: Record<string, string> = {};
  if (position !== undefined) {
    metadata.set("spillway-epoch", position.epoch);
    metadata.set("spillway-offset", String(position.offset));
    facts.epoch = position.epoch;
    facts.offset = String(position.offset);
  }
  if (lost !== undefined) {
    metadata.set("spillway-lost", String(lost));
    facts.lost = String(lost);
  }
  if (field !== undefined) facts.field = field;
  if (errorCode !== undefined) facts.code = errorCode;
  const wait = retryAfterMs === undefined ? undefined : Math.max(0, Math.round(retryAfterMs));
  if (wait !== undefined) metadata.set("spillway-retry-after-ms", String(wait));
  if (code !== statusCodes.OK) {
    metadata.set("grpc-status-details-bin", encodeDetails(code, details, reason, facts, wait));
  }
  return { code, details, metadata };
}

function encodeDetails(
  code: number,
  message: string,
  reason: StatusReason,
  facts: Readonly<Record<string, string>>,
  retryAfterMs: number | undefined,
): Buffer {
  const { rpc } = loadContracts();
  const details: WireAny[] = [
    {
      type_url: "type.googleapis.com/google.rpc.ErrorInfo",
      // google.rpc asks for UPPER_SNAKE_CASE here.
      value: rpc.errorInfo.serialize({
        reason: reason.toUpperCase().replaceAll("-", "_"),
        domain: ERROR_DOMAIN,
        metadata: facts,
      }),
    },
  ];
  if (retryAfterMs !== undefined) {
    const retryDelay = { seconds: Math.floor(retryAfterMs / 1000), nanos: (retryAfterMs % 1000) * 1_000_000 };
    details.push({
      type_url: "type.googleapis.com/google.rpc.RetryInfo",
      value: rpc.retryInfo.serialize({ retryDelay }),
    });
  }
  return rpc.status.serialize({ code, message, details });
}

/** grpc-js percent-encodes `details` and throws, uncaught, on a lone surrogate. */
function toHeaderText(text: string): string {
  const short = text.length > MAX_DETAILS_LENGTH ? `${text.slice(0, MAX_DETAILS_LENGTH - 3)}...` : text;
  // A lone surrogate has no UTF-8 form; the encoder puts U+FFFD in its place.
  return Buffer.from(short).toString();
}

/** Client: what a status says. Takes a `ServiceError` as well as the status of a stream that ended with OK. */
export function readStatus(received: {
  readonly code: number;
  readonly details: string;
  readonly metadata?: Metadata | undefined;
}): ReceivedStatus {
  const { metadata } = received;
  const info = metadata === undefined ? undefined : readErrorInfo(metadata);
  const reason = textTrailer(metadata, "spillway-reason") ?? info?.reason?.toLowerCase().replaceAll("_", "-");
  const name = statusCodes[received.code] ?? "UNKNOWN";
  const known = reason !== undefined && Object.hasOwn(CLOSE_REASONS, reason);
  return {
    reason: reason ?? name,
    advice: known ? CLOSE_REASONS[reason as CloseReason].advice : (ADVICE_OF_STATUS[name] ?? "resume"),
    detail: received.details,
    position: readPosition(metadata),
    lost: numberTrailer(metadata, "spillway-lost"),
    retryAfterMs: numberTrailer(metadata, "spillway-retry-after-ms"),
    field: info?.metadata?.field,
    code: toErrorCode(info?.metadata?.code),
  };
}

/** A newer server may have codes that this side does not know; the reason then says enough. */
function toErrorCode(code: string | undefined): ErrorCode | undefined {
  return code !== undefined && Object.hasOwn(REASON_OF_ERROR, code) ? (code as ErrorCode) : undefined;
}

function readPosition(metadata: Metadata | undefined): Position | undefined {
  const offset = numberTrailer(metadata, "spillway-offset");
  const epoch = textTrailer(metadata, "spillway-epoch");
  if (offset === undefined || epoch === undefined) return undefined;
  return { epoch, offset };
}

function textTrailer(metadata: Metadata | undefined, name: string): string | undefined {
  const value = metadata?.get(name)[0];
  return typeof value === "string" ? value : undefined;
}

function numberTrailer(metadata: Metadata | undefined, name: string): number | undefined {
  const text = textTrailer(metadata, name);
  return text === undefined ? undefined : toSafeInteger(text);
}

/** `undefined` for a status without details, and for details that are not ours or not readable. */
function readErrorInfo(metadata: Metadata): RpcErrorInfo | undefined {
  const encoded = metadata.get("grpc-status-details-bin")[0];
  if (!(encoded instanceof Buffer)) return undefined;
  try {
    const { rpc } = loadContracts();
    for (const detail of rpc.status.deserialize(encoded).details ?? []) {
      if (!detail.type_url?.endsWith("/google.rpc.ErrorInfo")) continue;
      const info = rpc.errorInfo.deserialize(detail.value as Buffer);
      if (info.domain === ERROR_DOMAIN) return info;
    }
  } catch {
    // A stranger's bytes under a well-known name; the status code still says enough.
  }
  return undefined;
}
