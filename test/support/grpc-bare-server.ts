// A grpc-js server with one server-streaming method of raw bytes: what the contract tests and the sink's tests
// look at, with nothing of the engine behind it.
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import type { TestContext } from "node:test";
import {
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServerOptions,
  type ServerWritableStream,
} from "@grpc/grpc-js";
import { passThrough } from "../../src/transport/grpc/framing.ts";

export type BytesCall = ServerWritableStream<Buffer, unknown>;

export const BYTES_METHOD: MethodDefinition<Buffer, Buffer> = {
  path: "/test.Bytes/Stream",
  requestStream: false,
  responseStream: true,
  requestSerialize: (bytes) => bytes,
  requestDeserialize: (bytes) => bytes,
  responseSerialize: passThrough,
  responseDeserialize: (bytes) => bytes,
};

export interface BareServer {
  readonly address: string;
  readonly server: Server;
  /** The next call that comes in. */
  nextCall(): Promise<BytesCall>;
}

export async function bareServer(t: TestContext, options: ServerOptions = {}): Promise<BareServer> {
  const server = new Server(options);
  const calls: BytesCall[] = [];
  const waiting: ((call: BytesCall) => void)[] = [];
  server.addService(
    { Stream: BYTES_METHOD },
    {
      Stream(call: BytesCall) {
        const resolve = waiting.shift();
        if (resolve) resolve(call);
        else calls.push(call);
      },
    },
  );
  const connections = server.createConnectionInjector(ServerCredentials.createInsecure());
  const sockets = new Set<{ destroy(): void }>();
  const net = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    connections.injectConnection(socket);
  }).listen(0, "127.0.0.1");
  await once(net, "listening");
  t.after(async () => {
    server.forceShutdown();
    for (const socket of sockets) socket.destroy();
    net.close();
    await once(net, "close");
  });
  return {
    address: `127.0.0.1:${(net.address() as AddressInfo).port}`,
    server,
    nextCall() {
      const call = calls.shift();
      return call ? Promise.resolve(call) : new Promise((resolve) => waiting.push(resolve));
    },
  };
}
