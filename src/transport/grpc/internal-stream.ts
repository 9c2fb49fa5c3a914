/**
 * What grpc-js keeps to itself about a running call and nothing public replaces. All of it is looked for, never
 * assumed: where a version of grpc-js is built differently it is `undefined`, and the callers do without.
 *
 * @module
 */
import { constants, type ServerHttp2Stream } from "node:http2";
import { Writable } from "node:stream";

interface InnermostCall {
  readonly stream?: unknown;
  readonly maxSendMessageSize?: unknown;
  readonly nextCall?: unknown;
  readonly callEventTracker?: unknown;
}

/** More interceptors than anybody has; a bound, in case the chain is not a chain. */
const MAX_DEPTH = 64;

/** The call behind all interceptors: the one that has a stream. */
function innermost(call: object): InnermostCall | undefined {
  let inner = (call as { call?: unknown }).call;
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    if (typeof inner !== "object" || inner === null) return undefined;
    const candidate: InnermostCall = inner;
    if (candidate.stream !== undefined) return candidate;
    inner = candidate.nextCall;
  }
  return undefined;
}

/** The HTTP/2 stream of a server call. */
export function streamOf(call: object): ServerHttp2Stream | undefined {
  return usableStream(innermost(call));
}

function usableStream(inner: InnermostCall | undefined): ServerHttp2Stream | undefined {
  const stream = inner?.stream as ServerHttp2Stream | undefined;
  const usable =
    typeof stream === "object" &&
    stream !== null &&
    typeof stream.close === "function" &&
    typeof stream.destroy === "function" &&
    typeof stream.once === "function";
  return usable ? stream : undefined;
}

/** The largest message that grpc-js sends on this call, in bytes; `undefined` when there is no limit. */
export function maxSendBytesOf(call: object): number | undefined {
  const size = innermost(call)?.maxSendMessageSize;
  return typeof size === "number" && size >= 0 ? size : undefined;
}

/** The way that a message takes below grpc-js, when there is nothing else on it. */
export interface OpenStream {
  readonly stream: ServerHttp2Stream;
  /** Where grpc-js counts what it has sent, for channelz; `undefined` when it does not. */
  readonly counter: MessageCounter | undefined;
}

export interface MessageCounter {
  addMessageSent(): void;
}

/**
 * The HTTP/2 stream of a call on which a write of grpc-js does no more than add a header and write to the stream.
 * `undefined` when anybody wants to see the messages: an interceptor, a limit of what may be sent, or a
 * `write` that is not the one it was.
 */
export function openStreamOf(call: object): OpenStream | undefined {
  const { call: inner, write } = call as { call?: InnermostCall; write?: unknown };
  if (write !== Writable.prototype.write || innermost(call) !== inner) return undefined;
  const stream = usableStream(inner);
  if (stream === undefined || typeof stream.write !== "function") return undefined;
  if (maxSendBytesOf(call) !== undefined) return undefined;
  const counter = inner?.callEventTracker as Partial<MessageCounter> | null | undefined;
  if (counter == null) return { stream, counter: undefined };
  return typeof counter.addMessageSent === "function"
    ? { stream, counter: counter as MessageCounter }
    : undefined;
}

/**
 * Ends a stream at once, whatever its flow control window: the client gets RESOURCE_EXHAUSTED without trailers
 * and everything that the stream held on this side is freed.
 *
 * Both calls are needed: `close` alone waits for the bytes that the window holds back, `destroy` alone tells the
 * client INTERNAL.
 */
export function resetStream(stream: ServerHttp2Stream): void {
  if (stream.destroyed) return;
  stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  stream.destroy();
}
