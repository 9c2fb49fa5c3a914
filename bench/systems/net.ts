/**
 * Payloads behind their length on a plain TCP socket, from `node:net` alone: what is left when there is no HTTP/2. The
 * messages of a turn leave as one write per subscriber, joined once. Nobody is waited for and nothing is dropped.
 *
 * @module
 */
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import type { System } from "../system.ts";
import { lengthHeader, lengthPrefixed, PLAIN_HEADER_BYTES } from "./length-prefix.ts";
import { subscribeTcp, type TcpProtocol } from "./tcp-subscriber.ts";
import { TurnBatch } from "./turn-batch.ts";

/** An empty payload, which is none of the publisher's: the subscriber is live. */
const LIVE = lengthHeader(PLAIN_HEADER_BYTES, 0);

export const netProtocol: TcpProtocol = {
  cut: ({ listener, live }) =>
    lengthPrefixed(PLAIN_HEADER_BYTES, (payload) => {
      if (payload.length === 0) live();
      else listener.message(payload);
    }),
};

const system: System = {
  name: "net",
  kind: "peer",
  about: "raw node:net with length prefixes, one write per subscriber and turn, no bound",
  probe: async () => ({ version: `node ${process.version}` }),
  async start() {
    const sockets = new Set<Socket>();
    const server = createServer({ noDelay: true }, (socket) => {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
      // A connection that its client cut is no news.
      socket.on("error", () => {});
      // The end of what the client says, which is nothing, is only noticed by reading.
      socket.resume();
      socket.write(LIVE);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const batch = new TurnBatch((bytes) => {
      for (const socket of sockets) socket.write(bytes);
    });
    return {
      address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
      publish: (payload) => batch.add(lengthHeader(PLAIN_HEADER_BYTES, payload.length), payload),
      async stop() {
        for (const socket of sockets) socket.destroy();
        server.close();
        await once(server, "close");
      },
    };
  },
  subscribe: (address, listener) => subscribeTcp(address, listener, netProtocol),
};

export default system;
