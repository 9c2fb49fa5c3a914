import { type Clock, systemClock } from "../../clock.ts";
import { SERVER_DEFAULTS } from "../../defaults.ts";

/** How streams are written and ended. How much is written at a time is the hub's option `batch`. */
export interface DeliveryOptions {
  /**
   * How long the stream of an ended subscription may wait for its client to take the status, in milliseconds.
   * Then it is reset: the client sees RESOURCE_EXHAUSTED without further detail.
   *
   * @default 2_000
   */
  readonly endGraceMs?: number | undefined;

  /**
   * `"auto"`: many messages leave in one write, as far as the installed grpc-js lets them; the fastest way is open to
   * a server without interceptors. `"off"`: one write per message, which costs far more CPU. A server with
   * `grpc.max_send_message_length` writes one by one in any case.
   *
   * @default "auto"
   */
  readonly batching?: "auto" | "off" | undefined;

  /** @default the process's own clock */
  readonly clock?: Clock | undefined;
}

export interface ResolvedDelivery {
  readonly endGraceMs: number;
  readonly batching: "auto" | "off";
  readonly clock: Clock;
}

/** @throws TypeError or RangeError, naming the option, what was expected and what came */
export function resolveDelivery(given: DeliveryOptions): ResolvedDelivery {
  const {
    endGraceMs = SERVER_DEFAULTS.endGraceMs,
    batching = SERVER_DEFAULTS.batching,
    clock = systemClock,
  } = given;
  checkMilliseconds("endGraceMs", endGraceMs);
  if (batching !== "auto" && batching !== "off") {
    throw new TypeError(`batching must be "auto" or "off", got ${String(batching)}`);
  }
  return { endGraceMs, batching, clock };
}

/** Longest delay that a timer of Node's takes. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** @throws RangeError */
export function checkMilliseconds(name: string, value: number): number {
  if (value >= 0 && value <= MAX_TIMER_MS) return value;
  throw new RangeError(`${name} must be a number of milliseconds from 0 to ${MAX_TIMER_MS}, got ${value}`);
}
