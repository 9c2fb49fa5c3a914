/**
 * The listening socket of a server. grpc-js can bind a port itself, but says what went wrong as text on standard
 * error, and keeps the connections out of reach of a shutdown that must not hang. So the socket is ours, and
 * grpc-js is handed the connections.
 *
 * @module
 */
import { type AddressInfo, createServer, type Server as NetServer, type Socket } from "node:net";
import { type Server, ServerCredentials } from "@grpc/grpc-js";
import { SpillwayError } from "../../errors.ts";
import { formatAddress, type ListenAddress } from "./address.ts";

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
  await bind(net, address);
  const stop = () => {
    if (net.listening) net.close();
  };
  return {
    address: { host: address.host, port: (net.address() as AddressInfo).port },
    stop,
    closed,
    destroy() {
      stop();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function bind(net: NetServer, address: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    net.once("error", (error: NodeJS.ErrnoException) => reject(unavailable(address, error)));
    net.listen(address.port, address.host, () => {
      net.removeAllListeners("error");
      // Out of file descriptors, for example: the connection that could not be accepted is gone, the rest goes on.
      net.on("error", () => {});
      resolve();
    });
  });
}

/** What to do about it, by the error that the system gave. */
const ADVICE: Readonly<Record<string, string>> = {
  EADDRINUSE: "the port is in use; stop the other process, or choose another port (0 takes a free one)",
  EACCES: "listening there needs a privilege; choose a port from 1024",
  EADDRNOTAVAIL: "this machine has no such address; 127.0.0.1 is always there, 0.0.0.0 is all of them",
  ENOTFOUND: "the host name is unknown; check its spelling, or give an address such as 127.0.0.1",
  EAI_AGAIN: "the host name could not be looked up; give an address such as 127.0.0.1",
};

function unavailable(address: ListenAddress, error: NodeJS.ErrnoException): SpillwayError {
  const advice = ADVICE[error.code ?? ""] ?? error.message;
  return new SpillwayError("ADDRESS_UNAVAILABLE", `cannot listen on ${formatAddress(address)}: ${advice}`, {
    cause: error,
  });
}
