import { quote, SpillwayError } from "../errors.ts";

export interface PublishOptions {
  /** Conflation identity within the topic; also what key filters look at. At most 1,024 characters. */
  readonly key?: string | undefined;
  /** Passed on to subscribers. At most 32, together at most 8,192 characters. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /**
   * The key is deleted: topics that retain the latest message per key forget it. Needs a key.
   *
   * @default false
   */
  readonly tombstone?: boolean | undefined;
  /**
   * How long the message is worth sending, in milliseconds. A subscriber whose turn comes later is told that it
   * expired.
   *
   * @default Infinity
   */
  readonly ttlMs?: number | undefined;
}

/** A message to publish, as `Hub.ingest` takes it from a source. */
export interface Publication extends PublishOptions {
  readonly topic: string;
  readonly payload: Uint8Array | string;
}

/** Longest key, in UTF-16 units. */
export const MAX_KEY_LENGTH = 1024;
export const MAX_HEADERS = 32;
/** Most text in all headers together, in UTF-16 units. */
export const MAX_HEADERS_LENGTH = 8192;

const encoder = new TextEncoder();

/**
 * What a message weighs: payload, key and headers, in bytes.
 *
 * @throws SpillwayError `MESSAGE_INVALID`, `MESSAGE_TOO_LARGE`
 */
export function messageBytes(
  payload: Uint8Array | string,
  options: PublishOptions | undefined,
  most: number,
): number {
  if (typeof payload !== "string" && !(payload instanceof Uint8Array)) {
    throw new SpillwayError(
      "MESSAGE_INVALID",
      `expected a payload of bytes (a Uint8Array or Buffer) or text, got ${quote(payload)}`,
      { field: "payload" },
    );
  }
  let bytes = typeof payload === "string" ? Buffer.byteLength(payload) : payload.byteLength;
  if (options?.ttlMs !== undefined && !(options.ttlMs > 0)) {
    throw new SpillwayError("MESSAGE_INVALID", `expected a ttlMs above 0, got ${quote(options.ttlMs)}`, {
      field: "ttl_ms",
    });
  }
  if (options?.tombstone === true && options.key === undefined) {
    throw new SpillwayError("MESSAGE_INVALID", "expected a key with a tombstone: it says which key is gone", {
      field: "key",
    });
  }
  if (options?.key !== undefined) bytes += keyBytes(options.key);
  if (options?.headers !== undefined) bytes += headerBytes(options.headers);
  if (bytes > most) {
    throw new SpillwayError(
      "MESSAGE_TOO_LARGE",
      `expected a message of at most ${most} bytes with its key and headers, got ${bytes}`,
      { field: "payload" },
    );
  }
  return bytes;
}

/**
 * The payload in memory of its own. A buffer from Node's pool, or a view of a larger one, would keep all of
 * that alive for as long as one slow subscriber has not read the message.
 */
export function copyPayload(payload: Uint8Array | string): Uint8Array {
  return typeof payload === "string" ? encoder.encode(payload) : Uint8Array.prototype.slice.call(payload);
}

function keyBytes(key: string): number {
  if (typeof key !== "string" || key.length > MAX_KEY_LENGTH || !key.isWellFormed()) {
    throw new SpillwayError(
      "MESSAGE_INVALID",
      `expected a key of at most ${MAX_KEY_LENGTH} characters of well-formed text, got ${quote(key)}`,
      { field: "key" },
    );
  }
  return Buffer.byteLength(key);
}

function headerBytes(headers: Readonly<Record<string, string>>): number {
  const entries = Object.entries(headers);
  let length = 0;
  let bytes = 0;
  for (const [name, value] of entries) {
    if (typeof value !== "string" || !name.isWellFormed() || !value.isWellFormed()) {
      throw new SpillwayError(
        "MESSAGE_INVALID",
        `expected headers of well-formed text, got ${quote(name)}: ${quote(value)}`,
        { field: "headers" },
      );
    }
    length += name.length + value.length;
    bytes += Buffer.byteLength(name) + Buffer.byteLength(value);
  }
  if (entries.length > MAX_HEADERS || length > MAX_HEADERS_LENGTH) {
    throw new SpillwayError(
      "MESSAGE_INVALID",
      `expected at most ${MAX_HEADERS} headers and ${MAX_HEADERS_LENGTH} characters in them, got ${entries.length} and ${length}`,
      { field: "headers" },
    );
  }
  return bytes;
}
