/**
 * The Node client of all services: subscriptions that come back by themselves, publishing, and administration.
 *
 * One client is one connection. Subscriptions on it share its flow-control window, so a reader that must not be
 * held up by another takes a client of its own.
 *
 * @module
 */
import { quote, SpillwayError } from "../../../errors.ts";
import type { Position } from "../../../protocol/index.ts";
import { loadContracts } from "../contracts.ts";
import { receivedPosition } from "../wire.ts";
import { AdminClient } from "./admin-client.ts";
import { type CallOptions, Calls, readAnswer } from "./calls.ts";
import { Connection } from "./connection.ts";
import { LonglivedFeed, type LonglivedOptions, LonglivedSubscription } from "./longlived-subscription.ts";
import { type ConnectOptions, type ResolvedOptions, resolveOptions } from "./options.ts";
import { type MessageOptions, Publisher, publishRequest } from "./publisher.ts";
import { type RemoteSubscribeOptions, RemoteSubscription } from "./remote-subscription.ts";
import type { ResubscribingOptions } from "./resubscribing.ts";

/** The message may have been accepted though the call was given up. */
export interface RemotePublishOptions extends MessageOptions, CallOptions {}

/**
 * A client of the server at `address`. Connects when it is first used, and does not fail here for a server that
 * is not there.
 *
 * @param address `HOST:PORT`, or another target that gRPC knows (`dns:`, `unix:`).
 * @throws SpillwayError `ADDRESS_INVALID`; RangeError for a time that is out of range.
 */
export function connect(address: string, options: ConnectOptions = {}): Client {
  return new Client(address, options);
}

export class Client implements AsyncDisposable {
  readonly address: string;
  readonly #options: ResolvedOptions;
  readonly #connection: Connection;
  /** How to end each thing that is still open. */
  readonly #open = new Set<() => void>();
  readonly #calls: Calls;
  #admin: AdminClient | undefined;
  #closed = false;

  /** Use {@link connect}. */
  constructor(address: string, options: ConnectOptions) {
    if (typeof address !== "string" || address === "") {
      throw new SpillwayError(
        "ADDRESS_INVALID",
        `expected an address such as "127.0.0.1:7070", got ${quote(address)}`,
      );
    }
    this.address = address;
    this.#options = resolveOptions(address, options);
    this.#connection = new Connection(address, this.#options);
    this.#calls = new Calls(this.#connection);
  }

  /**
   * Subscribes to every topic that matches one of the patterns (`prices.EURUSD`, `prices.*`, `prices.>`). The
   * request is on its way when this returns; the frame `started` says when and where it is live.
   *
   * @throws SpillwayError `CLOSED`; TypeError for patterns that are not strings; the signal's reason if it is
   * aborted. What the server refuses is thrown to the reader.
   */
  subscribe(patterns: string | readonly string[], options: RemoteSubscribeOptions = {}): RemoteSubscription {
    const list = typeof patterns === "string" ? [patterns] : [...patterns];
    if (!list.every((pattern) => typeof pattern === "string")) {
      throw new TypeError("patterns must be a string or an array of strings");
    }
    return this.#keep(
      (onEnd) => new RemoteSubscription(this.#connection, list, options, this.#resubscribing(options), onEnd),
      (subscription) => subscription.close(),
    );
  }

  /**
   * Subscribes to the Longlived service under an id.
   *
   * @param id a 32-bit whole number.
   * @throws SpillwayError `CLOSED`; RangeError for another id.
   */
  longlived(id: number, options: LonglivedOptions = {}): LonglivedSubscription {
    if ((id | 0) !== id) throw new RangeError(`id must be a whole number of 32 bits, got ${id}`);
    return this.#keep(
      (onEnd) =>
        new LonglivedSubscription(
          this.#connection,
          new LonglivedFeed(this.#connection, id),
          this.#resubscribing(options),
          onEnd,
        ),
      (subscription) => subscription.close(),
    );
  }

  /**
   * Publishes one message. Never retried here: a call that failed does not say whether the message arrived.
   *
   * @returns where the message is.
   * @throws SpillwayError `TOPIC_INVALID`, `MESSAGE_INVALID`, `MESSAGE_TOO_LARGE`, `UNAUTHENTICATED`,
   * `NOT_ALLOWED`, `UNREACHABLE`, `CLOSED` or `ENDED`; the signal's reason.
   */
  async publish(
    topic: string,
    payload: Uint8Array | string,
    options: RemotePublishOptions = {},
  ): Promise<Position> {
    options.signal?.throwIfAborted();
    const request = publishRequest(topic, payload, options);
    const response = await this.#calls.unary(loadContracts().fanout.Publish, request, options);
    return readAnswer(() => receivedPosition(response.position, "position"));
  }

  /** What the server's operator sees and does; see {@link AdminClient}. */
  get admin(): AdminClient {
    this.#admin ??= new AdminClient(this.#calls);
    return this.#admin;
  }

  /**
   * Opens a stream for publishing many messages in order; see {@link Publisher}.
   *
   * @throws SpillwayError `CLOSED`.
   */
  publisher(): Publisher {
    return this.#keep(
      (onEnd) => new Publisher(this.#connection, this.#options, onEnd),
      (publisher) => publisher.cancel(),
    );
  }

  /** Ends everything that is open, silently for subscriptions, and the connection. Again does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const end of [...this.#open]) end();
    this.#calls.close();
    this.#connection.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  /** Makes something that `close()` can end, and forgets it when it has ended by itself. */
  #keep<T>(make: (onEnd: () => void) => T, end: (made: T) => void): T {
    const endIt = (): void => end(made);
    const made = make(() => this.#open.delete(endIt));
    this.#open.add(endIt);
    return made;
  }

  #resubscribing(own: Pick<ResubscribingOptions, "signal" | "onStateChange">): ResubscribingOptions {
    const { backoff, connectTimeoutMs, waitForServer, clock } = this.#options;
    const { signal, onStateChange } = own;
    return { backoff, connectTimeoutMs, waitForServer, clock, signal, onStateChange };
  }
}
