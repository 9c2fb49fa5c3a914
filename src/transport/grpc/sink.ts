/**
 * The sink of one gRPC subscriber: turns batches of frames into writes on a server stream, and the end into a
 * status.
 *
 * What a call can do to its writer, and what is done about it here:
 *
 * - Once a call is over, the callback of a waiting write never comes, or comes as if all were well. So every signal of an end (`cancelled`, `close`, `error`, the close of the HTTP/2 stream) closes the
 *   sink and tells the engine, whatever is outstanding, and a callback counts only while the stream lives.
 * - `cancelled` also comes after an orderly end, when nobody listens any more.
 * - A write after the end is silently lost, or worse, reported as accepted. Nothing is written unless `open`.
 * - An interceptor of the application may throw in the middle of a write. That costs this one call.
 *
 * One batch is outstanding at most, so the call never holds more than that out of the policies' reach. It is
 * complete with its last write callback; `drain`, where one is due, comes no later than that.
 *
 * @module
 */
import type { ServerHttp2Stream } from "node:http2";
import { Metadata, type ServerWritableStream, type StatusObject } from "@grpc/grpc-js";
import type { Clock } from "../../clock.ts";
import type { Sink, SinkFeedback, SinkFrame, WriteOutcome } from "../../fanout/index.ts";
import type { EndFrame } from "../../protocol/index.ts";
import { endCall } from "./end-call.ts";
import { type BatchJoiner, FrameBatch, type FramedMessage, HEADER_BYTES } from "./framing.ts";
import { maxSendBytesOf, streamOf } from "./internal-stream.ts";
import { type FastWays, type Outlet, outletOf } from "./outlet.ts";
import { endToStatus, errorToStatus } from "./status.ts";

/**
 * What becomes of a frame: bytes to send, nothing (the contract has no place for it, or a hook chose so), or a
 * failure, which the subscriber is told as a gap.
 */
export type Encoded = FramedMessage | "nothing" | "failed";

/** What all sinks of a method have in common. */
export interface GrpcSinkOptions<Subscriber> {
  /** Must not throw. */
  readonly encode: (frame: SinkFrame, subscriber: Subscriber) => Encoded;
  readonly clock: Clock;
  /** How long an ended call may wait for its client to take the status, in milliseconds. */
  readonly endGraceMs: number;
  readonly ways: FastWays;
  readonly joiner: BatchJoiner;
}

/**
 * - `open`: frames may be written.
 * - `over`: ended from this side, or the other side is gone. Nothing touches the call again.
 */
type SinkState = "open" | "over";

/** @typeParam Subscriber - what `encode` is told about whom it encodes for */
export class GrpcSink<Subscriber> implements Sink {
  readonly #call: ServerWritableStream<unknown, unknown>;
  readonly #subscriber: Subscriber;
  readonly #options: GrpcSinkOptions<Subscriber>;
  readonly #stream: ServerHttp2Stream | undefined;
  readonly #maxSendBytes: number | undefined;
  readonly #outlet: Outlet;
  #state: SinkState = "open";
  #feedback: SinkFeedback | undefined;
  /** Write callbacks still to come. */
  #unacknowledged = 0;

  constructor(
    call: ServerWritableStream<unknown, unknown>,
    subscriber: Subscriber,
    options: GrpcSinkOptions<Subscriber>,
  ) {
    this.#call = call;
    this.#subscriber = subscriber;
    this.#options = options;
    this.#stream = streamOf(call);
    this.#maxSendBytes = maxSendBytesOf(call);
    this.#outlet = outletOf(call, options.ways, options.joiner);
  }

  open(feedback: SinkFeedback): void {
    this.#feedback = feedback;
    const call = this.#call;
    call.on("cancelled", this.#onGone);
    call.on("close", this.#onGone);
    call.on("error", this.#onGone);
    // Not once(): that costs an idle subscriber 150 bytes, and the first signal removes them all.
    this.#stream?.on("close", this.#onGone);
    try {
      // Whoever has the headers knows that the subscription is live.
      call.sendMetadata(new Metadata());
    } catch (error) {
      this.#fail(error);
    }
    if (call.cancelled || this.#stream?.destroyed) process.nextTick(this.#onGone);
  }

  write(frames: readonly SinkFrame[]): WriteOutcome {
    if (this.#state !== "open") return "pending";
    const batch = new FrameBatch();
    for (const frame of frames) this.#add(frame, batch);
    const { length } = batch.messages;
    if (length === 0) return "done";
    this.#unacknowledged = this.#outlet.oneByOne ? length : 1;
    try {
      this.#outlet.write(batch, this.#onWritten);
    } catch (error) {
      this.#fail(error);
    }
    return "pending";
  }

  end(frame: EndFrame): void {
    if (this.#state === "open") this.#end(endToStatus(frame));
  }

  #add(frame: SinkFrame, batch: FrameBatch): void {
    const encoded = this.#encode(frame);
    if (encoded === "failed") {
      // The notice of the loss takes the message's place.
      if (frame.kind === "message" && this.#feedback) this.#add(this.#feedback.unrenderable(frame), batch);
    } else if (encoded !== "nothing") {
      batch.add(encoded);
    }
  }

  #encode(frame: SinkFrame): Encoded {
    const encoded = this.#options.encode(frame, this.#subscriber);
    if (typeof encoded === "string" || this.#maxSendBytes === undefined) return encoded;
    // grpc-js would end the whole call over it.
    return encoded.byteLength - HEADER_BYTES > this.#maxSendBytes ? "failed" : encoded;
  }

  // One function per call, none per write.

  readonly #onWritten = (error?: Error | null): void => {
    if (error != null || this.#stream?.destroyed || this.#stream?.closed) this.#onGone();
    if (--this.#unacknowledged > 0 || this.#state !== "open") return;
    this.#outlet.completed();
    this.#feedback?.written();
  };

  readonly #onGone = (): void => {
    if (this.#state === "over") return;
    this.#detach();
    this.#feedback?.closed();
  };

  /** Code that is neither ours nor grpc-js's threw on the way to the wire. */
  #fail(error: unknown): void {
    if (this.#state === "over") return;
    this.#end(errorToStatus(error));
    this.#feedback?.closed();
  }

  #end(status: StatusObject): void {
    this.#detach();
    endCall(this.#call, status, this.#options.clock, this.#options.endGraceMs);
  }

  #detach(): void {
    this.#state = "over";
    const call = this.#call;
    call.off("cancelled", this.#onGone);
    call.off("close", this.#onGone);
    call.off("error", this.#onGone);
    this.#stream?.off("close", this.#onGone);
    // No write may ever complete that would do it.
    this.#options.joiner.forget();
  }
}
