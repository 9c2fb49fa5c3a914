import type { MethodDefinition } from "@grpc/grpc-js";

/** A server-streaming method whose messages are bytes as they are. */
export function rawMethod(path: string): MethodDefinition<Buffer, Buffer> {
  return {
    path,
    requestStream: false,
    responseStream: true,
    requestSerialize: (bytes) => bytes,
    requestDeserialize: (bytes) => bytes,
    responseSerialize: (bytes) => bytes,
    responseDeserialize: (bytes) => bytes,
  };
}

/** Of every gRPC message on the wire. */
export const HEADER_BYTES = 5;
