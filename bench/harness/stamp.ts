/**
 * What a payload says about itself: when it was due, and its number. A system carries it without looking.
 *
 * `0..7` the time the schedule intended, nanoseconds, 64 bits; `8..11` the sequence number, 32 bits; both little-endian.
 * The rest is filler.
 *
 * @module
 */

/** The number of a message that is in no books: it warms up. */
export const WARM_UP = 0xffff_ffff;

export const SMALLEST_PAYLOAD = 16;

const HIGH = 2 ** 32;

/**
 * Makes payloads of one size. Each is a buffer of its own, because systems keep them; their filler does not compress, so
 * that nothing on the way gets it cheaper than real data.
 *
 * @throws RangeError when a stamp does not fit
 */
export function payloadMaker(bytes: number): (intendedNanos: number, sequence: number) => Uint8Array {
  if (!(bytes >= SMALLEST_PAYLOAD)) {
    throw new RangeError(
      `a payload must have at least ${SMALLEST_PAYLOAD} bytes for its stamp, got ${bytes}`,
    );
  }
  const filler = Buffer.alloc(bytes);
  let state = 1;
  for (let at = 0; at < bytes; at++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    filler[at] = state >>> 24;
  }
  return (intendedNanos, sequence) => {
    const payload = Buffer.from(filler);
    payload.writeUInt32LE(intendedNanos % HIGH, 0);
    payload.writeUInt32LE(Math.floor(intendedNanos / HIGH), 4);
    payload.writeUInt32LE(sequence, 8);
    return payload;
  };
}

export function intendedNanosOf(payload: Uint8Array): number {
  return word(payload, 4) * HIGH + word(payload, 0);
}

export function sequenceOf(payload: Uint8Array): number {
  return word(payload, 8);
}

function word(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}
