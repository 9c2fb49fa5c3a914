import type { EndFrame } from "../../protocol/index.ts";
import type { PreviousEnd } from "./wire.ts";

/** Far more than end within the time that clients take to come back, at about 200 bytes each. */
const MOST_REMEMBERED = 1_024;

/**
 * The last subscriptions that this server ended, by id. A client that takes nothing off its stream cannot be told why
 * that was ended; when it comes back and names its old subscription, the answer is here.
 *
 * Ids are unguessable, so whoever knows one may be told. Those who left by themselves know why and are not kept.
 */
export class Endings {
  readonly #most: number;
  /** In the order of ending. */
  readonly #ends = new Map<string, PreviousEnd>();

  constructor(most = MOST_REMEMBERED) {
    this.#most = most;
  }

  remember(subscriptionId: string, { reason, position, lost }: EndFrame): void {
    if (reason === "cancelled") return;
    this.#ends.set(subscriptionId, { reason, offset: position.offset, lost });
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
