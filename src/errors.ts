/**
 * The one error class. Codes are the API and stay; messages are for people and may change. Misuse that a type
 * checker or a first run would show (a wrong option, a negative bound) is a `TypeError` or `RangeError` instead.
 *
 * @module
 */

/**
 * - `TOPIC_INVALID`, `PATTERN_INVALID`: the name breaks the rules of {@link "fanout"} topics.
 * - `MESSAGE_INVALID`: key or headers break a limit.
 * - `MESSAGE_TOO_LARGE`: payload, key and headers together exceed the hub's `maxMessageBytes`.
 * - `REQUEST_INVALID`: another field of a subscribe or publish request is wrong.
 * - `POSITION_INVALID`: the position asked for was never handed out by this history.
 * - `EPOCH_MISMATCH`: the position belongs to another history.
 * - `UNAUTHENTICATED`, `NOT_ALLOWED`: thrown by an `authorize` hook, or by what it granted.
 * - `ID_TAKEN`, `ID_UNKNOWN`: an id of the Longlived service is in use, or is not.
 * - `LIMIT_REACHED`: a limit on subscriptions, or on calls of an operator, is reached.
 * - `TIMEOUT`: a wait took longer than it was allowed to.
 * - `CLOSED`: the hub, server or client is closed or closing.
 * - `ENDED`: a subscription ended against its reader's will; `reason` says why.
 * - `ADDRESS_INVALID`, `ADDRESS_UNAVAILABLE`: the server cannot listen there.
 * - `UNREACHABLE`: no server answers at the address.
 * - `CONFIG_INVALID`: a configuration is wrong; the error lists everything that is.
 * - `PACKAGE_MISSING`: what was asked for needs an optional package that is not installed.
 */
export type ErrorCode =
  | "TOPIC_INVALID"
  | "PATTERN_INVALID"
  | "MESSAGE_INVALID"
  | "MESSAGE_TOO_LARGE"
  | "REQUEST_INVALID"
  | "POSITION_INVALID"
  | "EPOCH_MISMATCH"
  | "UNAUTHENTICATED"
  | "NOT_ALLOWED"
  | "ID_TAKEN"
  | "ID_UNKNOWN"
  | "LIMIT_REACHED"
  | "TIMEOUT"
  | "CLOSED"
  | "ENDED"
  | "ADDRESS_INVALID"
  | "ADDRESS_UNAVAILABLE"
  | "UNREACHABLE"
  | "CONFIG_INVALID"
  | "PACKAGE_MISSING";

export interface SpillwayErrorDetails {
  readonly cause?: unknown;
  /** The request field at fault, as the wire contract spells it. */
  readonly field?: string;
  /** With `ENDED`: a {@link "protocol".CloseReason}, or the status name of a server that gave none. */
  readonly reason?: string;
}

export class SpillwayError extends Error {
  override readonly name = "SpillwayError";
  readonly code: ErrorCode;
  readonly field: string | undefined;
  readonly reason: string | undefined;

  constructor(code: ErrorCode, message: string, details: SpillwayErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.field = details.field;
    this.reason = details.reason;
  }
}

/** A value in an error message: quoted, escaped and short, whatever a stranger sent. */
export function quote(value: unknown): string {
  if (typeof value !== "string") return String(value).slice(0, 80);
  // JSON escapes the control characters below U+0020 and lone surrogates, but not DEL and its neighbours, which some
  // terminals obey as well.
  return JSON.stringify(value.length > 80 ? `${value.slice(0, 77)}...` : value).replace(
    /[\x7f-\x9f]/g,
    (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
