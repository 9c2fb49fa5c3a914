/**
 * How a system that counts its losses tells them on a wire that carries nothing but payloads: a payload of its own, which
 * cannot be mistaken for a stamped one, because no clock says what its first eight bytes say.
 *
 * @module
 */
import type { Listener } from "../system.ts";

/** Shorter than any stamped payload. */
const NOTICE_BYTES = 12;
const ALL_ONES = 0xffff_ffff;

/** @param count - messages lost; `undefined` when nobody can know, which a count beyond 32 bits becomes too */
export function lossNotice(count: number | undefined): Buffer {
  const notice = Buffer.alloc(NOTICE_BYTES, 0xff);
  if (count !== undefined && count < ALL_ONES) notice.writeUInt32LE(count, 8);
  return notice;
}

/** Hands a payload to its listener: as a message, or as what it tells. */
export function deliver(payload: Buffer, listener: Listener): void {
  if (!isLossNotice(payload)) {
    listener.message(payload);
    return;
  }
  const count = payload.readUInt32LE(8);
  listener.lost?.(count === ALL_ONES ? undefined : count);
}

function isLossNotice(payload: Buffer): boolean {
  return (
    payload.length === NOTICE_BYTES &&
    payload.readUInt32LE(0) === ALL_ONES &&
    payload.readUInt32LE(4) === ALL_ONES
  );
}
