/**
 * The same frames on the same wire from `node:http2` alone, as few writes as can be: the messages of a turn leave as one
 * write per subscriber, joined once. What gRPC fan-out costs in Node at the least. Nobody is waited for and nothing is
 * dropped: what a slow subscriber does not take stays in memory.
 *
 * @module
 */
import { once } from "node:events";
import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import type { System } from "../system.ts";
import { SUBSCRIBE } from "./grpc-contract.ts";
import { subscribeRaw } from "./grpc-raw-client.ts";
import { grpcClients } from "./grpc-system.ts";
import { GRPC_HEADER_BYTES, lengthHeader } from "./length-prefix.ts";
import { TurnBatch } from "./turn-batch.ts";

const system: System = {
  ...grpcClients,
  name: "http2",
  kind: "peer",
  about: "raw node:http2 with gRPC frames, one write per subscriber and turn, no bound",
  probe: async () => ({ version: `node ${process.version}` }),
  async start() {
    const streams = new Set<ServerHttp2Stream>();
    const sessions = new Set<ServerHttp2Session>();
    const server = createServer();
    server.on("session", (session) => {
      sessions.add(session);
      session.once("close", () => sessions.delete(session));
      // A connection that its client cut is no news.
      session.on("error", () => {});
    });
    server.on("stream", (stream, headers) => {
      stream.on("error", () => {});
      if (headers[":path"] !== SUBSCRIBE.path) {
        stream.respond({ ":status": 404 }, { endStream: true });
        return;
      }
      streams.add(stream);
      stream.once("close", () => streams.delete(stream));
      // The request says nothing, but its end must be read.
      stream.resume();
      stream.respond({ ":status": 200, "content-type": "application/grpc" });
    });
    const port = await listening(server);
    const batch = new TurnBatch((bytes) => {
      for (const stream of streams) stream.write(bytes);
    });
    return {
      address: `127.0.0.1:${port}`,
      publish: (payload) => batch.add(lengthHeader(GRPC_HEADER_BYTES, payload.length), payload),
      async stop() {
        for (const session of sessions) session.destroy();
        server.close();
        await once(server, "close");
      },
    };
  },
  subscribe: subscribeRaw,
};

export default system;

async function listening(server: Http2Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}
