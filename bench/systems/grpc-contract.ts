/**
 * The one contract of all systems that speak gRPC, so that the same clients serve them all: a request without content, and
 * payloads as they were published. Serializers hand on what they get: no system pays for encoding, and every baseline has
 * for nothing what it would otherwise have to do once per message.
 *
 * @module
 */
import { createRequire } from "node:module";
import type { MethodDefinition, ServerWritableStream } from "@grpc/grpc-js";

const asItIs = (bytes: Buffer): Buffer => bytes;

export const SUBSCRIBE: MethodDefinition<Buffer, Uint8Array> = {
  path: "/bench.v1.Fanout/Subscribe",
  requestStream: false,
  responseStream: true,
  requestSerialize: asItIs,
  requestDeserialize: asItIs,
  responseSerialize: asBuffer,
  responseDeserialize: asItIs,
};

export const NO_REQUEST = Buffer.alloc(0);

/** One subscriber's stream, in the server. */
export type PayloadCall = ServerWritableStream<Buffer, Uint8Array>;

/** What grpc-js asks of what a serializer returns: the same bytes, with the methods of a `Buffer`. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const manifest = createRequire(import.meta.url)("@grpc/grpc-js/package.json") as { readonly version: string };
export const GRPC_JS_VERSION = `grpc-js ${manifest.version}`;
