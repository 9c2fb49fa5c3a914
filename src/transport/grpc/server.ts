/**
 * A gRPC server for a hub: both services, health checking, keepalive, and a shutdown that cannot hang.
 *
 * Shutting down: health checks say NOT_SERVING; new calls are refused with UNAVAILABLE and a retry delay while
 * the queues empty; every stream ends with UNAVAILABLE, `draining`; a stream whose client does not take its
 * status within the grace is reset; and what is then still open is cut. Every step has its time limit.
 *
 * @module
 */
import { type ChannelOptions, Server, type ServerCredentials } from "@grpc/grpc-js";
import { HealthImplementation, type ServingStatusMap } from "grpc-health-check";
import { formatAddress, parseAddress } from "../../address.ts";
import type { Clock } from "../../clock.ts";
import { SERVER_DEFAULTS } from "../../defaults.ts";
import type { Hub } from "../../fanout/index.ts";
import { addReflection } from "./admin/reflection.ts";
import { type AdminServiceOptions, adminService } from "./admin/service.ts";
import { checkMilliseconds, type DeliveryOptions, resolveDelivery } from "./delivery-options.ts";
import { type FanoutServiceOptions, fanoutService, type GrpcService } from "./fanout-service.ts";
import { type Listener, listen } from "./listener.ts";
import { type LonglivedServiceOptions, longlivedService } from "./longlived-service.ts";
import { fastWays } from "./write-self-test.ts";

export interface ServeOptions extends DeliveryOptions {
  /**
   * `HOST:PORT`; an IPv6 host in brackets, port 0 for any free one.
   *
   * @default "127.0.0.1:7070"
   */
  readonly listen?: string;

  /**
   * TLS, for example `ServerCredentials.createSsl(…)`.
   *
   * @default plain text
   */
  readonly credentials?: ServerCredentials;

  /**
   * `protos.Longlived`: its options, or `false` to leave it out.
   *
   * @default {}
   */
  readonly longlived?: LonglivedServiceOptions | false;

  /**
   * `spillway.v1.Fanout`: its options, or `false` to leave it out.
   *
   * @default {}
   */
  readonly fanout?: FanoutServiceOptions | false;

  /**
   * `spillway.v1.Admin`: its options, or `false` to leave it out. It shows names, addresses and topics of all subscribers
   * and can end any of them, on the same port as everything else. So listen on a loopback address or ask for client
   * certificates, and decide in the hub's `authorize` hook, which is asked with the action `admin`: without a hook,
   * whoever reaches the port may do it.
   *
   * @default false
   */
  readonly admin?: AdminServiceOptions | false;

  /**
   * gRPC reflection: tools such as grpcurl learn the contracts from the server. Needs the package `@grpc/reflection`. It
   * tells of the services of this package; whoever has others leaves it off, and adds a `ReflectionService` to `services`.
   *
   * @default false
   */
  readonly reflection?: boolean;

  /** Adds services of one's own to the same port. Called once, before the server listens. */
  readonly services?: (server: Server) => void;

  /**
   * How often every connection is asked whether it is alive, in milliseconds. A client that died without a word is
   * found out by this and nothing else; one that is frozen as a whole process is cut by it too.
   *
   * @default 20_000
   */
  readonly keepaliveTimeMs?: number;

  /**
   * How long the answer may take before the connection is closed, in milliseconds.
   *
   * @default 8_000
   */
  readonly keepaliveTimeoutMs?: number;

  /**
   * How long the queues may take to empty when the server closes, in milliseconds.
   *
   * @default 5_000
   */
  readonly drainTimeoutMs?: number;

  /** For grpc-js. Win over what is set here. */
  readonly channelOptions?: ChannelOptions;
}

export interface SpillwayServer extends AsyncDisposable {
  /** `HOST:PORT`, with the port that it really listens on. */
  readonly address: string;
  readonly port: number;
  /** The server of grpc-js. */
  readonly server: Server;
  readonly hub: Hub;
  /**
   * Shuts down, and closes the hub. Takes at most the drain timeout, the end grace and a moment; every call
   * returns the same promise, and it does not reject.
   */
  close(): Promise<void>;
}

/** Full name of the service that health checks ask. */
const HEALTH_NAME = "grpc.health.v1.Health";

/** How long streams that were reset, and connections without streams, may take to close. */
const CLOSE_MARGIN_MS = 500;

/**
 * Serves a hub over gRPC. Resolves when it listens.
 *
 * @throws SpillwayError `ADDRESS_INVALID`, `ADDRESS_UNAVAILABLE`, `PACKAGE_MISSING`
 */
export async function serve(hub: Hub, options: ServeOptions = {}): Promise<SpillwayServer> {
  const address = parseAddress(options.listen ?? SERVER_DEFAULTS.listen);
  const { clock, endGraceMs } = resolveDelivery(options);
  const drainTimeoutMs = checkMilliseconds(
    "drainTimeoutMs",
    options.drainTimeoutMs ?? SERVER_DEFAULTS.drainTimeoutMs,
  );
  const server = new Server({
    "grpc.keepalive_time_ms": checkMilliseconds(
      "keepaliveTimeMs",
      options.keepaliveTimeMs ?? SERVER_DEFAULTS.keepaliveTimeMs,
    ),
    "grpc.keepalive_timeout_ms": checkMilliseconds(
      "keepaliveTimeoutMs",
      options.keepaliveTimeoutMs ?? SERVER_DEFAULTS.keepaliveTimeoutMs,
    ),
    ...options.channelOptions,
  });
  try {
    const services = chosenServices(hub, options);
    for (const service of services) service.addTo(server);
    const health = new HealthImplementation(healthOf(services, "SERVING"));
    health.addToServer(server);
    if (options.reflection === true)
      await addReflection(server, [...services.map(({ name }) => name), HEALTH_NAME]);
    options.services?.(server);
    // Now rather than in front of the first subscriber.
    await fastWays();
    const listener = await listen(server, address, options.credentials);
    return new RunningServer({ hub, server, listener, services, health, clock, endGraceMs, drainTimeoutMs });
  } catch (error) {
    server.forceShutdown();
    throw error;
  }
}

function chosenServices(hub: Hub, options: ServeOptions): readonly GrpcService[] {
  const { endGraceMs, batching, clock, fanout, longlived, admin } = options;
  const delivery: DeliveryOptions = { endGraceMs, batching, clock };
  return [
    ...(fanout === false ? [] : [fanoutService(hub, { ...delivery, ...fanout })]),
    ...(longlived === false ? [] : [longlivedService(hub, { ...delivery, ...longlived })]),
    ...(admin === undefined || admin === false ? [] : [adminService(hub, { clock, ...admin })]),
  ];
}

function healthOf(services: readonly GrpcService[], status: "SERVING" | "NOT_SERVING"): ServingStatusMap {
  // "" is the server as a whole.
  return Object.fromEntries(["", ...services.map(({ name }) => name)].map((name) => [name, status]));
}

interface Parts {
  readonly hub: Hub;
  readonly server: Server;
  readonly listener: Listener;
  readonly services: readonly GrpcService[];
  readonly health: HealthImplementation;
  readonly clock: Clock;
  readonly endGraceMs: number;
  readonly drainTimeoutMs: number;
}

class RunningServer implements SpillwayServer {
  readonly address: string;
  readonly port: number;
  readonly server: Server;
  readonly hub: Hub;
  readonly #parts: Parts;
  #closing: Promise<void> | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.server = parts.server;
    this.hub = parts.hub;
    this.address = formatAddress(parts.listener.address);
    this.port = parts.listener.address.port;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const { hub, server, listener, services, health, clock, endGraceMs, drainTimeoutMs } = this.#parts;
    for (const [name, status] of Object.entries(healthOf(services, "NOT_SERVING")))
      health.setStatus(name, status);
    const hubClosed = hub.close({ drainTimeoutMs });
    for (const service of services) service.shutDown();
    await hubClosed;
    listener.stop();
    // Closes connections as their streams finish. That its callback comes when they have is not so on every
    // version of Node; our own sockets know.
    server.tryShutdown(() => {});
    await within(endGraceMs + CLOSE_MARGIN_MS, clock, listener.closed);
    server.forceShutdown();
    listener.destroy();
    await listener.closed;
  }
}

/** Resolves with the promise, or when the time is over. */
function within(ms: number, clock: Clock, promise: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(ms, resolve);
    promise.then(() => {
      cancel();
      resolve();
    });
  });
}
