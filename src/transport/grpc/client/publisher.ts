/**
 * Publishes many messages over one stream, in order.
 *
 * - `send()` takes a message as fast as the server reads them; wait for it, and nothing piles up here. A server whose
 *   subscriber blocks does not read, so its publishers wait, some 128 KiB ahead of it.
 * - Being sent is not being accepted: `acknowledged` counts what the server has accepted, and `finish()` returns
 *   when it has answered for everything.
 * - The first message that the server refuses ends the stream. Those before it are accepted; what was sent after
 *   it is not. It is never retried here, because a lost connection does not say what arrived.
 *
 * @module
 */
import type { ClientDuplexStream, ServiceError } from "@grpc/grpc-js";
import type { Clock } from "../../../clock.ts";
import { SpillwayError } from "../../../errors.ts";
import type { Position } from "../../../protocol/index.ts";
import { loadContracts, type WirePublishAck, type WirePublishRequest } from "../contracts.ts";
import { ackFromWire, lifetimeToWire } from "../wire.ts";
import { cancelCall } from "./cancel-call.ts";
import type { Connection } from "./connection.ts";
import { connectTimedOut, toSpillwayError } from "./verdict.ts";

export interface MessageOptions {
  /** Conflation identity within the topic. */
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * The key is deleted: topics that retain the latest message per key forget it. Needs a key.
   *
   * @default false
   */
  readonly tombstone?: boolean;
  /**
   * How long the message is worth sending, in milliseconds; rounded up to whole ones. A subscriber whose turn comes
   * later is told that it expired.
   *
   * @default Infinity
   */
  readonly ttlMs?: number;
}

/** What became of everything sent. */
export interface PublishSummary {
  /** How many messages the server accepted. */
  readonly accepted: number;
  /** Where the first one is; `undefined` when none was accepted. */
  readonly first: Position | undefined;
  /** Where the last one is; `undefined` when none was accepted. */
  readonly last: Position | undefined;
}

export interface PublisherTimes {
  readonly clock: Clock;
  /** How long to wait for a connection; on one that is up there is no limit. */
  readonly connectTimeoutMs: number;
}

export class Publisher implements AsyncDisposable {
  readonly #call: ClientDuplexStream<WirePublishRequest, WirePublishAck>;
  readonly #address: string;
  /** Resolves, and never rejects, when the stream is over for whatever reason; `finish()` says which. */
  readonly ended: Promise<void>;
  #error: SpillwayError | undefined;
  #state: "open" | "finishing" | "ended" = "open";
  #accepted = 0;
  #first: Position | undefined;
  #last: Position | undefined;
  /** Those who wait for room, or for the end. */
  #waiting: (() => void)[] = [];

  /** Made by {@link Client.publisher}. */
  constructor(connection: Connection, { clock, connectTimeoutMs }: PublisherTimes, onEnd: () => void) {
    this.#address = connection.address;
    const call = connection.duplex(loadContracts().fanout.PublishStream);
    this.#call = call;
    call.on("data", (ack: WirePublishAck) => this.#acknowledge(ack));
    call.on("drain", () => this.#wake());
    const stopTimer = clock.after(connectTimeoutMs, () => {
      if (connection.ready || this.#state === "ended") return;
      this.#error = toSpillwayError(connectTimedOut(connectTimeoutMs), this.#address);
      connection.renew();
      cancelCall(call);
    });
    this.ended = new Promise((resolve) => {
      const end = (error: SpillwayError | undefined): void => {
        if (this.#state === "ended") return;
        this.#error ??= error;
        this.#state = "ended";
        stopTimer();
        this.#wake();
        onEnd();
        resolve();
      };
      call.on("error", (error: ServiceError) => end(toSpillwayError(error, this.#address)));
      // Comes after the last acknowledgement was read; when the status is not OK, after the error.
      call.on("end", () => end(undefined));
    });
  }

  /**
   * Messages that the server has accepted so far. After a failure it may have accepted a few more: an
   * acknowledgement that arrives together with the refusal can be lost.
   */
  get acknowledged(): number {
    return this.#accepted;
  }

  /**
   * Sends one message; resolves when the stream has room for another. The payload is encoded before it returns.
   *
   * @throws SpillwayError the server's refusal of an earlier message, `UNREACHABLE`, or `CLOSED` after
   * `finish()` or `cancel()`.
   */
  async send(topic: string, payload: Uint8Array | string, options: MessageOptions = {}): Promise<void> {
    this.#assertOpen();
    const room = this.#call.write(publishRequest(topic, payload, options));
    if (room) return;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
    // Room that never came is the end of the stream, and this message was not accepted.
    if (this.#error !== undefined) throw this.#error;
    if (this.#isOver()) throw this.#closed("the server has ended the stream");
  }

  /**
   * Ends the stream and waits until the server has answered for every message.
   *
   * @throws SpillwayError as `send` does; `acknowledged` then still counts what was accepted.
   */
  async finish(): Promise<PublishSummary> {
    if (this.#state === "open") {
      this.#state = "finishing";
      this.#call.end();
    }
    await this.ended;
    if (this.#error !== undefined) throw this.#error;
    return { accepted: this.#accepted, first: this.#first, last: this.#last };
  }

  /** Ends the stream at once; what the server has not read yet is not published. Does nothing after the end. */
  cancel(): void {
    if (this.#state === "ended") return;
    this.#error = new SpillwayError("CLOSED", "the publisher was cancelled before it finished");
    cancelCall(this.#call);
  }

  /** Cancels, unless it has finished. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.cancel();
    await this.ended;
  }

  #assertOpen(): void {
    if (this.#error !== undefined) throw this.#error;
    if (this.#state !== "open") throw this.#closed("the publisher has finished");
  }

  #isOver(): boolean {
    return this.#state === "ended";
  }

  #closed(what: string): SpillwayError {
    return new SpillwayError("CLOSED", `${what}; client.publisher() makes another`);
  }

  #acknowledge(wire: WirePublishAck): void {
    const acknowledged = this.#read(wire);
    if (acknowledged === undefined) return;
    const { epoch, offsets } = acknowledged;
    const first = offsets[0];
    const last = offsets.at(-1);
    if (first === undefined || last === undefined) return;
    this.#accepted += offsets.length;
    this.#first ??= { epoch, offset: first };
    this.#last = { epoch, offset: last };
  }

  #read(wire: WirePublishAck): ReturnType<typeof ackFromWire> | undefined {
    try {
      return ackFromWire(wire);
    } catch (cause) {
      this.#error ??= new SpillwayError(
        "ENDED",
        `the server at ${this.#address} sent an acknowledgement that cannot be read: ${String(cause)}`,
        { cause, reason: "INTERNAL" },
      );
      cancelCall(this.#call);
      return undefined;
    }
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }
}

/**
 * A message as it goes out. Text is sent as UTF-8.
 *
 * @throws TypeError for what no encoder should guess about; RangeError for a `ttlMs` that is no time.
 */
export function publishRequest(
  topic: string,
  payload: Uint8Array | string,
  { key, headers, tombstone, ttlMs }: MessageOptions,
): WirePublishRequest {
  if (typeof topic !== "string") throw new TypeError(`topic must be a string, got ${typeof topic}`);
  if (typeof payload !== "string" && !(payload instanceof Uint8Array)) {
    throw new TypeError(`payload must be a string or a Uint8Array, got ${typeof payload}`);
  }
  return {
    topic,
    payload: typeof payload === "string" ? Buffer.from(payload) : payload,
    ...(key === undefined ? {} : { key }),
    ...(headers === undefined ? {} : { headers }),
    ...(tombstone === undefined ? {} : { tombstone }),
    ...(ttlMs === undefined ? {} : { ttlMs: lifetimeToWire("ttlMs", ttlMs) }),
  };
}
