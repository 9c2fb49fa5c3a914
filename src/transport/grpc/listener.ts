/**
 * The listening socket of a server. grpc-js can bind a port itself, but says what went wrong as text on standard
 * error, and keeps the connections out of reach of a shutdown that must not hang. So the socket is ours, and
 * grpc-js is handed the connections.
 *
 * @module
 */
import { createServer, type Socket } from "node:net";
import { type Server, ServerCredentials } from "@grpc/grpc-js";
import { bind, type ListenAddress } from "../../address.ts";

export interface Listener {
  /** Where it really listens, for example with the port that 0 became. */
  readonly address: ListenAddress;
  /** Accepts no more connections. Those that are open go on. */
  stop(): void;
  /** Resolves after `stop()`, when the last connection has closed. */
  readonly closed: Promise<void>;
  /** Accepts no more connections and cuts those that are open. */
  destroy(): void;
}

/** @throws SpillwayError `ADDRESS_UNAVAILABLE` */
export async function listen(
  server: Server,
  address: ListenAddress,
  credentials: ServerCredentials = ServerCredentials.createInsecure(),
): Promise<Listener> {
  const connections = server.createConnectionInjector(credentials);
  const sockets = new Set<Socket>();
  const net = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    // A connection reset by its client is no news; without a listener it would end the process.
    socket.on("error", () => {});
    connections.injectConnection(socket);
  });
  const closed = new Promise<void>((resolve) => net.once("close", () => resolve()));
  const bound = await bind(net, address);
  const stop = () => {
    if (net.listening) net.close();
  };
  return {
    address: bound,
    stop,
    closed,
    destroy() {
      stop();
      for (const socket of sockets) socket.destroy();
    },
  };
}
