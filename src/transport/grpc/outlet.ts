/**
 * How framed messages get onto a call. There are three ways, and a call takes the first that is open to it:
 *
 * 1. **To the stream**: straight to the call's HTTP/2 stream, as one buffer that all who are sent the same messages
 *    share. That is what grpc-js does at the end of its own way, less a copy of the batch per subscriber. Only where
 *    nothing would see the messages on that way: no interceptor, no send limit; see `openStreamOf`.
 * 2. **As a batch**: one `call.write()` of a {@link FrameBatch}, which grpc-js takes for one message.
 * 3. **One by one**: a `call.write()` for each message, which any grpc-js can do.
 *
 * The first two lean on what is not documented. `write-self-test.ts` asks the installed grpc-js about both, and a call
 * that is built differently than the one it saw takes a later way.
 *
 * Whatever the way: a status that comes after a write reaches the client after it, and on a call that is over the
 * callback of a write does not come, or comes with an error, or as if all were well.
 *
 * @module
 */
import type { ServerHttp2Stream } from "node:http2";
import type { ServerWritableStream } from "@grpc/grpc-js";
import type { BatchJoiner, FrameBatch } from "./framing.ts";
import { type MessageCounter, maxSendBytesOf, openStreamOf } from "./internal-stream.ts";

type Call = ServerWritableStream<unknown, unknown>;

/** Which of the ways that lean on what is not documented may be taken. */
export interface FastWays {
  readonly toStream: boolean;
  readonly asBatch: boolean;
}

export const NO_FAST_WAYS: FastWays = { toStream: false, asBatch: false };

type Written = (error?: Error | null) => void;

export interface Outlet {
  /** `written` is called for every message of a batch, rather than once for all. */
  readonly oneByOne: boolean;
  /** One batch at a time. May throw what an interceptor throws. */
  write(batch: FrameBatch, written: Written): void;
  /** The batch is written. */
  completed(): void;
}

/** The fastest way that is open to a call. Its headers must be sent before anything is written. */
export function outletOf(call: Call, ways: FastWays, joiner: BatchJoiner): Outlet {
  const open = ways.toStream ? openStreamOf(call) : undefined;
  if (open !== undefined) return new StreamOutlet(open.stream, open.counter, joiner);
  // grpc-js holds its limit against a batch as if it were one message.
  if (ways.asBatch && maxSendBytesOf(call) === undefined) return new BatchOutlet(call);
  return new SingleOutlet(call);
}

class StreamOutlet implements Outlet {
  readonly oneByOne = false;
  readonly #stream: ServerHttp2Stream;
  readonly #counter: MessageCounter | undefined;
  readonly #joiner: BatchJoiner;

  constructor(stream: ServerHttp2Stream, counter: MessageCounter | undefined, joiner: BatchJoiner) {
    this.#stream = stream;
    this.#counter = counter;
    this.#joiner = joiner;
  }

  write(batch: FrameBatch, written: Written): void {
    const stream = this.#stream;
    // When it is over, for example by a deadline of its client's, a write would be an error; its close will be told.
    if (stream.writable && !stream.closed) stream.write(this.#joiner.join(batch), written);
  }

  completed(): void {
    this.#joiner.forget();
    // As in grpc-js, a batch counts as one.
    this.#counter?.addMessageSent();
  }
}

class BatchOutlet implements Outlet {
  readonly oneByOne = false;
  readonly #call: Call;

  constructor(call: Call) {
    this.#call = call;
  }

  write(batch: FrameBatch, written: Written): void {
    this.#call.write(batch, written);
  }

  completed(): void {}
}

class SingleOutlet implements Outlet {
  readonly oneByOne = true;
  readonly #call: Call;

  constructor(call: Call) {
    this.#call = call;
  }

  write({ messages }: FrameBatch, written: Written): void {
    for (const message of messages) this.#call.write(message, written);
  }

  completed(): void {}
}
