/**
 * The two facts about a running call that grpc-js keeps to itself and that nothing public replaces. Both are
 * looked for, never assumed: where a version of grpc-js is built differently they are `undefined`, and the
 * callers do without.
 *
 * @module
 */
import { constants, type ServerHttp2Stream } from "node:http2";

interface InnermostCall {
  readonly stream?: unknown;
  readonly maxSendMessageSize?: unknown;
  readonly nextCall?: unknown;
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
  const stream = innermost(call)?.stream as ServerHttp2Stream | undefined;
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
