import { isIPv6 } from "node:net";
import { quote, SpillwayError } from "../../errors.ts";

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
