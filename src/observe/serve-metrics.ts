/**
 * A port for Prometheus to scrape: `GET /metrics`, and nothing else. A server of its own, so that it can listen where
 * subscribers cannot reach it.
 *
 * Whoever connects is not trusted: requests have a time limit, connections a number, and closing does not wait for a
 * scraper that does not read.
 *
 * @module
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Registry, RegistryContentType } from "prom-client";
import { bind, formatAddress, parseAddress } from "../address.ts";
import { type Clock, systemClock } from "../clock.ts";
import { importOptional } from "../optional-package.ts";
import type { ObservedHubs } from "./observed-hubs.ts";
import { prometheusMetrics } from "./prometheus-metrics.ts";

export interface ServeMetricsOptions {
  /** `HOST:PORT`; an IPv6 host in brackets, port 0 for any free one. */
  readonly listen: string;

  /**
   * Where the metrics are added, and what is served: whatever else it has is served too.
   *
   * @default a registry of its own, with `prom-client`'s metrics of the process (memory, processor time, event loop)
   */
  readonly register?: Registry<RegistryContentType>;

  /**
   * Told when a scrape fails, which a metric that somebody else added to `register` can make it. Once, until one
   * succeeds again.
   *
   * @default a process warning
   */
  readonly onError?: (error: unknown) => void;

  /** @default the process's own clock */
  readonly clock?: Clock;
}

export interface MetricsServer extends AsyncDisposable {
  /** `HOST:PORT`, with the port that it really listens on. */
  readonly address: string;
  readonly port: number;
  /**
   * Stops, and takes the metrics out of the registry. Scrapes under way may finish, for a second. Every call returns the
   * same promise, and it does not reject.
   */
  close(): Promise<void>;
}

/** How long a request may take to arrive, and a connection may do nothing, in milliseconds. */
const PATIENCE_MS = 10_000;
/** How long answers under way may take when the server closes, in milliseconds. */
const CLOSE_GRACE_MS = 1_000;
/** Scrapers are few. */
const MOST_CONNECTIONS = 100;

/**
 * Serves the metrics of one hub, or of several by name, for Prometheus. Resolves when it listens. The hubs stay open
 * when it closes.
 *
 * @throws SpillwayError `ADDRESS_INVALID`, `ADDRESS_UNAVAILABLE`; `PACKAGE_MISSING` when `prom-client` is not installed
 *   and no `register` is given
 * @throws TypeError when `register` has metrics of a hub already
 *
 * @example
 * ```ts
 * const metrics = await serveMetrics(hub, { listen: "127.0.0.1:9464" });
 * ```
 */
export async function serveMetrics(
  hubs: ObservedHubs,
  { listen, register: given, onError = warn, clock = systemClock }: ServeMetricsOptions,
): Promise<MetricsServer> {
  const address = parseAddress(listen);
  const register = given ?? (await processRegistry());
  const remove = prometheusMetrics(hubs, register);
  let failing = false;
  const scrape = async (): Promise<string | undefined> => {
    try {
      const text = await register.metrics();
      failing = false;
      return text;
    } catch (error) {
      if (!failing) report(onError, error);
      failing = true;
      return undefined;
    }
  };
  const server = createServer(
    {
      headersTimeout: PATIENCE_MS,
      requestTimeout: PATIENCE_MS,
      connectionsCheckingInterval: PATIENCE_MS / 4,
    },
    (request, response) => void answer(request, response, register.contentType, scrape),
  );
  server.maxConnections = MOST_CONNECTIONS;
  server.setTimeout(PATIENCE_MS);
  try {
    const bound = await bind(server, address);
    let closed: Promise<void> | undefined;
    const close = (): Promise<void> => {
      closed ??= new Promise((resolve) => {
        const cancel = clock.after(CLOSE_GRACE_MS, () => server.closeAllConnections());
        server.close(() => {
          cancel();
          remove();
          resolve();
        });
      });
      return closed;
    };
    return { address: formatAddress(bound), port: bound.port, close, [Symbol.asyncDispose]: close };
  } catch (error) {
    remove();
    throw error;
  }
}

async function answer(
  { method, url = "" }: IncomingMessage,
  response: ServerResponse,
  contentType: string,
  scrape: () => Promise<string | undefined>,
): Promise<void> {
  const refuse = (status: number, why: string) => {
    response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8" }).end(`${why}\n`);
  };
  // A scraper comes back long after an idle connection would have been closed.
  response.setHeader("Connection", "close");
  if (url.split("?")[0] !== "/metrics") return refuse(404, "the metrics are at /metrics");
  if (method !== "GET" && method !== "HEAD") {
    response.setHeader("Allow", "GET, HEAD");
    return refuse(405, "expected GET or HEAD");
  }
  const text = await scrape();
  if (text === undefined) return refuse(500, "a metric could not be read; the server's log has the details");
  response.writeHead(200, { "Content-Type": contentType }).end(text);
}

/** A registry of its own, so that nothing comes twice where the application uses the global one. */
async function processRegistry(): Promise<Registry> {
  const { Registry, collectDefaultMetrics } = await importOptional(
    "prom-client",
    "serving metrics",
    () => import("prom-client"),
  );
  const register = new Registry();
  collectDefaultMetrics({ register });
  return register;
}

function report(onError: (error: unknown) => void, error: unknown): void {
  try {
    onError(error);
  } catch (thrown) {
    warn(thrown);
  }
}

function warn(error: unknown): void {
  const told = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.emitWarning(`a scrape of the metrics failed: ${told}`, { code: "SPILLWAY_METRICS" });
}
