/**
 * An `EventEmitter` for the fan-out and Node's own streams for the rest: a `Readable` per subscriber, piped into its call.
 * The pipe honours backpressure; the buffer of the `Readable` in front of it has no bound.
 *
 * @module
 */
import { EventEmitter } from "node:events";
import { Readable, type Writable } from "node:stream";
import { serveCalls } from "./grpc-call-server.ts";
import { grpcSystem } from "./grpc-system.ts";

export default grpcSystem({
  name: "event-emitter",
  kind: "baseline",
  about: "EventEmitter, and for each subscriber a Readable piped into its call",
  async start() {
    const feed = new EventEmitter<{ payload: [Uint8Array] }>().setMaxListeners(0);
    const { address, stop } = await serveCalls((call) => {
      const source = new Readable({ objectMode: true, read() {} });
      const onPayload = (payload: Uint8Array) => void source.push(payload);
      feed.on("payload", onPayload);
      // The types of a pipe know no streams of objects.
      source.pipe(call as unknown as Writable);
      return () => {
        feed.off("payload", onPayload);
        source.destroy();
      };
    });
    return { address, publish: (payload) => void feed.emit("payload", payload), stop };
  },
});
