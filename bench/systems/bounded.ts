/**
 * What one would write in twenty lines: a sender of its own for each subscriber, which honours `write()` and drain, and in
 * front of it an array that holds so many messages and no more. The oldest is dropped, and nobody is told.
 *
 * @module
 */
import { grpcSystem } from "./grpc-system.ts";
import type { Waiting } from "./sender.ts";
import { serveSenders } from "./senders.ts";

const MOST_WAITING = 128;

export default grpcSystem({
  name: "bounded",
  kind: "baseline",
  about: "a sender and a plain array per subscriber, bounded in messages, drops the oldest",
  start: ({ queue }) => serveSenders(() => boundedArray(queue?.messages ?? MOST_WAITING)),
});

export function boundedArray(most: number): Waiting {
  const payloads: Uint8Array[] = [];
  return {
    push(payload) {
      payloads.push(payload);
      if (payloads.length > most) payloads.shift();
    },
    shift: () => payloads.shift(),
  };
}
