/**
 * As much of RESP, the protocol of Redis, as one channel needs: arrays of bulk strings and numbers, and errors.
 *
 * @module
 */
import type { TcpProtocol } from "./tcp-subscriber.ts";

const CHANNEL = "bench";
const CR = 13;
const ZERO = 48;
const [ARRAY, BULK, ERROR] = [..."*$-"].map((sign) => sign.charCodeAt(0));
const END_OF_LINE = 2;

export function redisPublish(length: number): Buffer {
  return Buffer.from(`*3\r\n$7\r\nPUBLISH\r\n$${CHANNEL.length}\r\n${CHANNEL}\r\n$${length}\r\n`);
}

export const REDIS_PUBLISH_END = Buffer.from("\r\n");

/** What is pushed to a subscriber is told apart by the length of its first word. */
const MESSAGE = "message".length;
const SUBSCRIBED = "subscribe".length;

export const redisProtocol: TcpProtocol = {
  hello: `*2\r\n$9\r\nSUBSCRIBE\r\n$${CHANNEL.length}\r\n${CHANNEL}\r\n`,
  cut: ({ listener, live, refused }) => {
    return (bytes, at) => {
      let next = lineEnd(bytes, at);
      if (next > bytes.length) return next;
      if (bytes[at] === ERROR) refused(bytes.toString("latin1", at, next - END_OF_LINE));
      if (bytes[at] !== ARRAY) return next;
      const elements = numberOf(bytes, at, next);
      let first = 0;
      let last = 0;
      for (let element = 0; element < elements; element++) {
        const line = next;
        next = lineEnd(bytes, line);
        if (next > bytes.length) return next;
        if (bytes[line] !== BULK) continue;
        last = numberOf(bytes, line, next);
        if (element === 0) first = last;
        next += last + END_OF_LINE;
        if (next > bytes.length) return next;
      }
      if (first === SUBSCRIBED) live();
      if (first === MESSAGE) listener.message(bytes.subarray(next - END_OF_LINE - last, next - END_OF_LINE));
      return next;
    };
  },
};

/** Where the line ends that begins at `at`; beyond the end when that is not to be seen. */
function lineEnd(bytes: Buffer, at: number): number {
  const cr = bytes.indexOf(CR, at);
  return cr === -1 ? bytes.length + 1 : cr + END_OF_LINE;
}

/** The number behind the sign that the line begins with, without making text of it. */
function numberOf(bytes: Buffer, at: number, lineEnd: number): number {
  let value = 0;
  for (let index = at + 1; index < lineEnd - END_OF_LINE; index++) value = value * 10 + bytes[index]! - ZERO;
  return value;
}
