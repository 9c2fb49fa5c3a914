import type { Subscription } from "../../fanout/index.ts";
import type { EndFrame } from "../../protocol/index.ts";
import type { PreviousEnd } from "./wire.ts";

/** Far more than end within the time that clients take to come back, at about 200 bytes each. */
const MOST_REMEMBERED = 1_024;

/**
 * The subscriptions that a client may come back from, by id. A client that takes nothing off its stream cannot be told
 * why that was ended; when it comes back and names its old subscription, the answer is here. And one that comes back
 * while its old subscription still seems to live has lost that connection: the old one ends as `replaced`, rather than
 * wait for keepalive to find out.
 *
 * Ids are unguessable, so whoever knows one may do this. Those who left by themselves know why and are not kept.
 */
export class Predecessors {
  readonly #most: number;
  /** In the order of ending. */
  readonly #ends = new Map<string, PreviousEnd>();

  readonly #live = new Map<string, Subscription>();

  constructor(most = MOST_REMEMBERED) {
    this.#most = most;
  }

  started(subscription: Subscription): void {
    this.#live.set(subscription.id, subscription);
  }

  /** A client that names this one as its last has opened a new stream. */
  succeeded(subscriptionId: string | undefined): void {
    if (subscriptionId)
      this.#live.get(subscriptionId)?.end("replaced", "its client came back on another stream");
  }

  ended({ id }: Subscription, { reason, position, lost }: EndFrame): void {
    this.#live.delete(id);
    if (reason === "cancelled") return;
    this.#ends.set(id, { reason, offset: position.offset, lost });
    if (this.#ends.size <= this.#most) return;
    for (const oldest of this.#ends.keys()) {
      this.#ends.delete(oldest);
      break;
    }
  }

  /** How it ended; `undefined` when that is not known, or not any more. */
  recall(subscriptionId: string | undefined): PreviousEnd | undefined {
    return subscriptionId ? this.#ends.get(subscriptionId) : undefined;
  }
}
