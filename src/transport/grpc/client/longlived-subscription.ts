/** A subscription to `protos.Longlived` that resubscribes by itself. @module */
import { loadContracts } from "../contracts.ts";
import type { CallEvents, Connection } from "./connection.ts";
import type { PullCall } from "./pull-call.ts";
import { type Feed, Resubscribing, type StateChange } from "./resubscribing.ts";

export interface LonglivedOptions {
  /** Ends the subscription; the loop that reads it throws the signal's reason. */
  readonly signal?: AbortSignal;
  /** As for {@link RemoteSubscribeOptions.onStateChange}. */
  readonly onStateChange?: (change: StateChange) => void;
}

/**
 * The texts that the server sends to one id, across all calls. That contract has no positions and no notices:
 * what is published while no call is open is missed, silently. For one reader.
 *
 * @throws SpillwayError to the reader when coming back cannot help: `ENDED` with the reason `replaced` when
 * another client took over the id, `ID_TAKEN`, `UNAUTHENTICATED`, `NOT_ALLOWED`, …
 */
export class LonglivedSubscription extends Resubscribing<string> {}

export class LonglivedFeed implements Feed<string> {
  readonly #connection: Connection;
  readonly #id: number;
  readonly #method = loadContracts().longlived.Subscribe;
  readonly resuming = false;

  constructor(connection: Connection, id: number) {
    this.#connection = connection;
    this.#id = id;
  }

  open(events: CallEvents): PullCall<Buffer> {
    return this.#connection.readStream(this.#method, { id: this.#id }, events);
  }

  accept(bytes: Buffer): string {
    return this.#method.responseDeserialize(bytes).data ?? "";
  }

  ended(): void {
    // Every start is a fresh one.
  }
}
