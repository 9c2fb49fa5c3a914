/** How a client connects and comes back, with every default. @module */
import type { ChannelCredentials, ClientOptions } from "@grpc/grpc-js";
import { type Clock, systemClock } from "../../../clock.ts";
import { CLIENT_DEFAULTS } from "../../../defaults.ts";
import { Backoff, type BackoffOptions } from "./backoff.ts";

export interface KeepaliveOptions {
  /**
   * Silence after which the client asks whether the server is still there, in milliseconds.
   *
   * @default 20000
   */
  readonly timeMs?: number;
  /**
   * How long it waits for the answer before the connection counts as lost, in milliseconds.
   *
   * @default 8000
   */
  readonly timeoutMs?: number;
}

export interface ConnectOptions {
  /**
   * TLS, mutual TLS, call credentials, as `@grpc/grpc-js` makes them.
   *
   * @default plaintext
   */
  readonly credentials?: ChannelCredentials;
  /** Sent with every call; the server's `authorize` hook reads them. Names as in HTTP, values printable ASCII. */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * HTTP/2 PINGs on a connection with open calls, which find a server that vanished without a word. A server
   * that allows fewer (grpc-go allows one in five minutes unless told otherwise) drops the connection a few
   * times, and grpc-js doubles the time each time it does. `false` turns them off.
   *
   * @default { timeMs: 20000, timeoutMs: 8000 }
   */
  readonly keepalive?: KeepaliveOptions | false;
  /** How long a subscription stays away after a call that ended. */
  readonly backoff?: BackoffOptions;
  /**
   * How long one attempt of a subscription waits for a connection, in milliseconds. On a connection that is up
   * it waits without limit.
   *
   * @default 10000
   */
  readonly connectTimeoutMs?: number;
  /**
   * `true`: a subscription tries until it reaches a server. `false`: it throws `UNREACHABLE` to its reader if
   * the very first attempt does not; once it has been live it comes back like any other.
   *
   * @default true
   */
  readonly waitForServer?: boolean;
  /** Channel options of `@grpc/grpc-js`, over those that the client sets. */
  readonly channelOptions?: ClientOptions;
  /**
   * For tests that move time by hand.
   *
   * @default the process's own
   */
  readonly clock?: Clock;
}

export interface ResolvedOptions {
  readonly credentials: ChannelCredentials | undefined;
  readonly headers: Readonly<Record<string, string>> | undefined;
  readonly channelOptions: ClientOptions;
  readonly backoff: BackoffOptions;
  readonly connectTimeoutMs: number;
  readonly waitForServer: boolean;
  readonly clock: Clock;
}

/** @throws RangeError for a time that is none. */
export function resolveOptions(address: string, options: ConnectOptions): ResolvedOptions {
  const { keepalive = {}, backoff = {} } = options;
  // Refuses bad numbers here, at connect(), and not when the first connection is lost.
  new Backoff(backoff);
  return {
    credentials: options.credentials,
    headers: options.headers,
    channelOptions: {
      // Each client has its own connection: streams that share one share its flow-control window too.
      "grpc.use_local_subchannel_pool": 1,
      ...(keepalive === false
        ? {}
        : {
            "grpc.keepalive_time_ms": milliseconds(
              "keepalive.timeMs",
              keepalive.timeMs ?? CLIENT_DEFAULTS.keepalive.timeMs,
            ),
            "grpc.keepalive_timeout_ms": milliseconds(
              "keepalive.timeoutMs",
              keepalive.timeoutMs ?? CLIENT_DEFAULTS.keepalive.timeoutMs,
            ),
          }),
      // What a call keeps for a retry counts as sent: 1 MiB by default, by which a publisher would be held up too late.
      "grpc.per_rpc_retry_buffer_size": 65_536,
      // A proxy from the environment is for the way out, not for this machine.
      ...(isLoopback(address) ? { "grpc.enable_http_proxy": 0 } : {}),
      ...options.channelOptions,
    },
    backoff,
    connectTimeoutMs: milliseconds(
      "connectTimeoutMs",
      options.connectTimeoutMs ?? CLIENT_DEFAULTS.connectTimeoutMs,
    ),
    waitForServer: options.waitForServer ?? CLIENT_DEFAULTS.waitForServer,
    clock: options.clock ?? systemClock,
  };
}

/** Timers of Node hold 31 bits; a longer one would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export function milliseconds(name: string, value: number): number {
  if (value > 0 && value <= LONGEST_TIMER_MS) return value;
  throw new RangeError(
    `${name} must be a number of milliseconds above 0 and up to ${LONGEST_TIMER_MS}, got ${value}`,
  );
}

function isLoopback(address: string): boolean {
  return /^(?:(?:dns:|ipv4:|ipv6:)\/*)?(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::|$)/.test(address);
}
