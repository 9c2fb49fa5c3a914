/**
 * A sender of its own for each subscriber, which honours `write()` and drain. Isolation as it should be, except that what
 * waits has no bound.
 *
 * @module
 */
import { Backlog } from "./backlog.ts";
import { grpcSystem } from "./grpc-system.ts";
import { serveSenders } from "./senders.ts";

export default grpcSystem({
  name: "unbounded",
  kind: "baseline",
  about: "a sender and an unbounded queue per subscriber, write() and drain honoured",
  start: () => serveSenders(() => new Backlog()),
});
