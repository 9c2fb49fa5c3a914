/**
 * Where a server listens: addresses as text, and a server bound to one. What goes wrong is said with its cure, the same
 * for every kind of server.
 *
 * @module
 */
import { type AddressInfo, isIPv6, type Server } from "node:net";
import { quote, SpillwayError } from "./errors.ts";

/** Where a server listens. */
export interface ListenAddress {
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
}

/**
 * Reads `HOST:PORT`; an IPv6 host stands in brackets.
 *
 * @throws SpillwayError `ADDRESS_INVALID`
 */
export function parseAddress(text: string): ListenAddress {
  const match = /^(?:\[([^\]]*)\]|([^:[\]\s/]+)):(\d{1,5})$/.exec(text);
  const [, bracketed, plain, digits] = match ?? [];
  const port = Number(digits);
  const host = bracketed ?? plain;
  const fault =
    match === null || host === undefined
      ? 'an IPv6 address stands in brackets, as in "[::1]:7070"'
      : bracketed !== undefined && !isIPv6(bracketed)
        ? `${quote(bracketed)} is no IPv6 address`
        : port > 65_535
          ? "a port is at most 65535; 0 takes a free one"
          : undefined;
  if (fault === undefined && host !== undefined) return { host, port };
  throw new SpillwayError(
    "ADDRESS_INVALID",
    `expected an address as HOST:PORT, such as "127.0.0.1:7070", got ${quote(text)}: ${fault}`,
  );
}

/** The other way around. */
export function formatAddress({ host, port }: ListenAddress): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * Lets a server listen there. Resolves with where it really does, for example with the port that 0 became.
 *
 * @throws SpillwayError `ADDRESS_UNAVAILABLE`
 */
export function bind(server: Server, address: ListenAddress): Promise<ListenAddress> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException) => reject(unavailable(address, error));
    server.once("error", fail);
    server.listen(address.port, address.host, () => {
      server.off("error", fail);
      // Out of file descriptors, for example: the connection that could not be accepted is gone, the rest goes on.
      server.on("error", () => {});
      resolve({ host: address.host, port: (server.address() as AddressInfo).port });
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
