/**
 * A server with one loop for everybody: it takes a message, and the next one only when it is through with that.
 *
 * @module
 */
import type { RunningServer } from "../system.ts";
import { Backlog } from "./backlog.ts";
import { serveCalls } from "./grpc-call-server.ts";
import type { PayloadCall } from "./grpc-contract.ts";

/** Somebody that the loop may be waiting for. */
export interface Awaited {
  /** Its call is over, and whoever waits for it goes on. */
  leave(): void;
}

/**
 * @param subscriber - made for each call
 * @param deliver - what the loop does with one message; the next one waits until it resolves
 */
export async function serveLoop<Subscriber extends Awaited>(
  subscriber: (call: PayloadCall) => Subscriber,
  deliver: (payload: Uint8Array, subscribers: ReadonlySet<Subscriber>) => Promise<void>,
): Promise<RunningServer> {
  const subscribers = new Set<Subscriber>();
  const { address, stop } = await serveCalls((call) => {
    const one = subscriber(call);
    subscribers.add(one);
    return () => {
      subscribers.delete(one);
      one.leave();
    };
  });
  const backlog = new Backlog();
  void (async () => {
    for (;;) await deliver(await backlog.take(), subscribers);
  })();
  return { address, publish: (payload) => backlog.push(payload), stop };
}
