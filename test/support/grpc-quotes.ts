// A user's own service, loaded as its user would load it.
import { fileURLToPath } from "node:url";
import type { MethodDefinition } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

export interface WatchRequest {
  readonly symbols?: readonly string[];
  readonly reader?: string;
}

export interface Quote {
  readonly symbol?: string;
  readonly price?: string;
  readonly missed?: number;
}

// Compiled tests lie in dist/; .proto files stay where they are.
const root = import.meta.resolve("spillway/package.json");
const loaded: Record<string, unknown> = loadSync(
  fileURLToPath(new URL("test/support/grpc-quotes.proto", root)),
);

export const QUOTES = loaded["quotes.Quotes"] as {
  readonly Watch: MethodDefinition<WatchRequest, Quote>;
  readonly Latest: MethodDefinition<WatchRequest, Quote>;
};

/** Without the defaults that the decoder fills in. */
export function plain(quotes: readonly Quote[]): Quote[] {
  return quotes.map((quote) => ({ ...quote }));
}
