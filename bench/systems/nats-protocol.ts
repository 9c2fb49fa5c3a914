/**
 * As much of the NATS client protocol as one subject needs: text lines, and behind a `MSG` line as many bytes as it says.
 *
 * @module
 */
import type { TcpProtocol } from "./tcp-subscriber.ts";

const SUBJECT = "bench";
const CR = 13;
const SPACE = 32;
const ZERO = 48;
const END_OF_LINE = 2;

/** The server then says nothing to a command that succeeds. */
export const NATS_CONNECT = 'CONNECT {"verbose":false,"pedantic":false,"lang":"node","version":"1"}\r\n';

export function natsPublish(length: number): Buffer {
  return Buffer.from(`PUB ${SUBJECT} ${length}\r\n`);
}

export const NATS_PUBLISH_END = Buffer.from("\r\n");

export const natsProtocol: TcpProtocol = {
  // Commands of a connection are dealt with in order, so the answer to the PING says that the SUB is in force.
  hello: `${NATS_CONNECT}SUB ${SUBJECT} 1\r\nPING\r\n`,
  cut:
    ({ listener, live, refused, answer }) =>
    (bytes, at) => {
      const cr = bytes.indexOf(CR, at);
      if (cr === -1 || cr + END_OF_LINE > bytes.length) return bytes.length + 1;
      const start = cr + END_OF_LINE;
      if (begins(bytes, at, "MSG ")) {
        const payloadEnd = start + numberBefore(bytes, cr);
        const end = payloadEnd + END_OF_LINE;
        if (end <= bytes.length) listener.message(bytes.subarray(start, payloadEnd));
        return end;
      }
      if (begins(bytes, at, "PING")) answer("PONG\r\n");
      if (begins(bytes, at, "PONG")) live();
      if (begins(bytes, at, "-ERR")) refused(bytes.toString("latin1", at, cr));
      return start;
    },
};

function begins(bytes: Buffer, at: number, word: string): boolean {
  for (let index = 0; index < word.length; index++) {
    if (bytes[at + index] !== word.charCodeAt(index)) return false;
  }
  return true;
}

/** The line's last word, which is a number, without making text of it. */
function numberBefore(bytes: Buffer, end: number): number {
  let start = end;
  while (bytes[start - 1] !== SPACE) start--;
  let value = 0;
  for (let at = start; at < end; at++) value = value * 10 + bytes[at]! - ZERO;
  return value;
}
