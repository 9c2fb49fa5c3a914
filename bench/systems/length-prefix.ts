/**
 * Payloads behind a header that ends with their length, 32 bits, big-endian: gRPC's framing, with a flag byte in front, and
 * the plain one of a TCP socket.
 *
 * @module
 */
import type { Cut } from "./reassembler.ts";

const LENGTH_BYTES = 4;

/** Flag byte and length. */
export const GRPC_HEADER_BYTES = 5;
export const PLAIN_HEADER_BYTES = 4;

/** @param headerBytes - what comes before the length is zero: for gRPC, not compressed */
export function lengthHeader(headerBytes: number, length: number): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt32BE(length, headerBytes - LENGTH_BYTES);
  return header;
}

export function lengthPrefixed(headerBytes: number, each: (payload: Buffer) => void): Cut {
  return (bytes, at) => {
    const start = at + headerBytes;
    if (start > bytes.length) return start;
    const end = start + bytes.readUInt32BE(start - LENGTH_BYTES);
    if (end <= bytes.length) each(bytes.subarray(start, end));
    return end;
  };
}
