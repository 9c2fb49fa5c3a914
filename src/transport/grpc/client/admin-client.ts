/** What an operator sees of a server and does there: `spillway.v1.Admin`, as `connect(address).admin`. @module */
import { ADMIN_DEFAULTS, CLIENT_DEFAULTS } from "../../../defaults.ts";
import type { ListQuery, StatsReport, SubscriptionReport } from "../admin/reports.ts";
import { queryToWire, statsFromWire, subscriptionFromWire } from "../admin/wire.ts";
import { loadContracts } from "../contracts.ts";
import { receivedInteger } from "../wire.ts";
import { type CallOptions, type Calls, readAnswer } from "./calls.ts";

export interface SubscriptionList {
  /** How many there are of those asked for, listed or not. */
  readonly total: number;
  /** The worst first: stalled, slow, good; then by age of the write, by lag, by bytes queued. */
  readonly subscriptions: readonly SubscriptionReport[];
}

/**
 * Needs a server with the service: `serve(hub, { admin: {} })`. Every method throws a SpillwayError: for what the server
 * refuses (`ENDED`, with the reason `UNIMPLEMENTED`, where it does not have the service), `UNREACHABLE`, `CLOSED`; or the
 * signal's reason.
 */
export class AdminClient {
  readonly #calls: Calls;
  readonly #methods = loadContracts().admin;

  /** Use `connect(address).admin`. */
  constructor(calls: Calls) {
    this.#calls = calls;
  }

  /**
   * Lists subscriptions, the worst first. Takes as long as `windowMs` says, and a moment; the timeout begins behind that.
   *
   * @throws SpillwayError `REQUEST_INVALID`, `PATTERN_INVALID`
   */
  async list(options: ListQuery & CallOptions = {}): Promise<SubscriptionList> {
    const responses = await this.#calls.gather(
      this.#methods.ListSubscriptions,
      queryToWire(options),
      behindWindow(options),
    );
    return readAnswer(() => ({
      total: receivedInteger(responses[0]?.total, "total"),
      subscriptions: responses.flatMap(({ subscriptions }) =>
        (subscriptions ?? []).map(subscriptionFromWire),
      ),
    }));
  }

  /**
   * The books of the server. Takes as long as `windowMs` says, and a moment; the timeout begins behind that.
   *
   * @throws SpillwayError `REQUEST_INVALID`
   */
  async stats(options: Pick<ListQuery, "windowMs"> & CallOptions = {}): Promise<StatsReport> {
    const { windowMs } = options;
    const request = windowMs === undefined ? {} : { windowMs };
    const response = await this.#calls.unary(this.#methods.GetStats, request, behindWindow(options));
    return readAnswer(() => statsFromWire(response));
  }

  /**
   * Ends a subscription. What was queued for it is thrown away; its client is told to come back after a while.
   *
   * @param options.detail - one sentence for the client, at most 256 printable characters
   * @returns the subscription as it was right before
   * @throws SpillwayError `ID_UNKNOWN`, `REQUEST_INVALID`
   */
  async evict(
    id: string,
    options: { readonly detail?: string } & CallOptions = {},
  ): Promise<SubscriptionReport> {
    const { detail } = options;
    const request = detail === undefined ? { id } : { id, detail };
    const { subscription } = await this.#calls.unary(this.#methods.Evict, request, options);
    return readAnswer(() => subscriptionFromWire(subscription ?? {}));
  }

  /** The configuration in force, as text for people; `UNIMPLEMENTED` where the server was given none to show. */
  async config(options: CallOptions = {}): Promise<string> {
    const { config } = await this.#calls.unary(this.#methods.GetConfig, {}, options);
    return config ?? "";
  }
}

/** The server looks for so long before it answers. */
function behindWindow(options: Pick<ListQuery, "windowMs"> & CallOptions): CallOptions {
  const { windowMs = ADMIN_DEFAULTS.windowMs, timeoutMs = CLIENT_DEFAULTS.callTimeoutMs } = options;
  return { ...options, timeoutMs: timeoutMs + windowMs };
}
