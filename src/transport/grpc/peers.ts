import type { Subscription } from "../../fanout/index.ts";

/** What knows the address of a call's other side; every call of grpc-js does. */
interface Peer {
  getPeer(): string;
}

/** By subscription, and no longer than it lives. The address itself is asked for when somebody wants to see it. */
const peers = new WeakMap<Subscription, Peer>();

export function rememberPeer(subscription: Subscription, call: Peer): void {
  peers.set(subscription, call);
}

/** The address that a subscription comes from; `undefined` when not known, as for a reader in this process. */
export function peerOf(subscription: Subscription): string | undefined {
  const peer = peers.get(subscription)?.getPeer();
  // What grpc-js says of a connection that has just gone.
  return peer === "unknown" ? undefined : peer;
}
