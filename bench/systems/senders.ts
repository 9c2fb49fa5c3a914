/**
 * A server that has a {@link Sender} per subscriber, and hands each what is published.
 *
 * @module
 */
import type { RunningServer } from "../system.ts";
import { serveCalls } from "./grpc-call-server.ts";
import { Sender, type Waiting } from "./sender.ts";

/** @param waiting - makes the place where what is for one subscriber waits */
export async function serveSenders(waiting: () => Waiting): Promise<RunningServer> {
  const senders = new Set<Sender>();
  const { address, stop } = await serveCalls((call) => {
    const sender = new Sender(call, waiting());
    senders.add(sender);
    return () => senders.delete(sender);
  });
  return {
    address,
    publish(payload) {
      for (const sender of senders) sender.send(payload);
    },
    stop,
  };
}
