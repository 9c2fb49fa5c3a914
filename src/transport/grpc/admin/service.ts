/**
 * `spillway.v1.Admin` for a hub: who subscribes, who lags and why, and ending a subscription.
 *
 * It reads the hub and never steers it, but for `Evict`. Nothing of it runs while nobody calls; see `survey.ts` for what
 * a call costs. Every call asks the hub's `authorize` hook first, with the action `admin`.
 *
 * @module
 */
import type {
  handleUnaryCall,
  Metadata,
  ServerWritableStream,
  StatusObject,
  UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { type Clock, systemClock } from "../../../clock.ts";
import { ADMIN_SERVICE_DEFAULTS } from "../../../defaults.ts";
import { quote, SpillwayError } from "../../../errors.ts";
import { checkWhole, type Hub, type Subscription } from "../../../fanout/index.ts";
import { CLOSE_REASONS } from "../../../protocol/index.ts";
import { describeCall } from "../call-info.ts";
import {
  loadContracts,
  type WireEvictRequest,
  type WireEvictResponse,
  type WireGetConfigRequest,
  type WireGetConfigResponse,
  type WireGetStatsRequest,
  type WireGetStatsResponse,
  type WireListSubscriptionsRequest,
  type WireListSubscriptionsResponse,
  type WireSubscription,
} from "../contracts.ts";
import type { GrpcService } from "../fanout-service.ts";
import { refusal } from "../refusal.ts";
import { ratesBetween, readingOf } from "./rates.ts";
import { reportOf } from "./report.ts";
import { checkedWindow } from "./selection.ts";
import { type Survey, survey } from "./survey.ts";
import { Turns } from "./turns.ts";
import { queryFromWire, statsToWire, subscriptionToWire } from "./wire.ts";

export interface AdminServiceOptions {
  /**
   * The configuration in force, as text for people. Asked for each call, so that a reload shows.
   *
   * @default the method GetConfig is UNIMPLEMENTED
   */
  readonly effectiveConfig?: (() => string | Promise<string>) | undefined;

  /**
   * Most calls under way at once, whoever makes them, from 1: the next is refused with `LIMIT_REACHED`, and told when to
   * come back. A call that looks for rates remembers every subscription while it does. `Evict` does not count and is
   * never refused for it: it is over at once, and it is what relieves a server.
   *
   * @default 8
   */
  readonly maxCalls?: number | undefined;

  /** @default the process's own clock */
  readonly clock?: Clock | undefined;
}

/** Full name of the service. */
const NAME = "spillway.v1.Admin";

/** Encoded in one go, which takes about a millisecond, and small enough for any client even if all of them are large. */
const SUBSCRIPTIONS_PER_RESPONSE = 32;

/** Longest sentence that an operator sends to a client that is evicted, in UTF-16 units. */
const MAX_DETAIL_LENGTH = 256;

type ListCall = ServerWritableStream<WireListSubscriptionsRequest, WireListSubscriptionsResponse>;

/**
 * `spillway.v1.Admin` for a hub.
 *
 * @throws RangeError for an option out of its range
 */
export function adminService(hub: Hub, options: AdminServiceOptions = {}): GrpcService {
  const { effectiveConfig, clock = systemClock, maxCalls = ADMIN_SERVICE_DEFAULTS.maxCalls } = options;
  const admin = new Admin(hub, clock, checkWhole("maxCalls", maxCalls, 1));
  const implementation: UntypedServiceImplementation = {
    ListSubscriptions: (call: ListCall) => void admin.list(call),
    GetStats: admin.unary<WireGetStatsRequest, WireGetStatsResponse>("GetStats", ({ windowMs }, signal) =>
      admin.inPlace(() => admin.stats(windowMs, signal)),
    ),
    Evict: admin.unary<WireEvictRequest, WireEvictResponse>("Evict", ({ id = "", detail = "" }) =>
      admin.evict(id, detail),
    ),
    // grpc-js answers for a method without a handler.
    ...(effectiveConfig === undefined
      ? {}
      : {
          GetConfig: admin.unary<WireGetConfigRequest, WireGetConfigResponse>("GetConfig", () =>
            admin.inPlace(async () => ({ config: await effectiveConfig() })),
          ),
        }),
  };
  return {
    name: NAME,
    addTo: (server) => server.addService(loadContracts().admin, implementation),
    shutDown: () => admin.shutDown(),
  };
}

/** What every call of grpc-js has. */
interface Call {
  readonly metadata: Metadata;
  getPeer(): string;
  on(event: "cancelled", listener: () => void): unknown;
}

class Admin {
  readonly #hub: Hub;
  readonly #clock: Clock;
  readonly #maxCalls: number;
  /** Of the calls under way. */
  readonly #running = new Set<AbortController>();
  /** How many of them have a place. */
  #places = 0;

  constructor(hub: Hub, clock: Clock, maxCalls: number) {
    this.#hub = hub;
    this.#clock = clock;
    this.#maxCalls = maxCalls;
  }

  /** A handler that never throws. */
  unary<Request, Response>(
    method: string,
    answer: (request: Request, signal: AbortSignal) => Response | Promise<Response>,
  ): handleUnaryCall<Request, Response> {
    return (call, respond) => {
      this.#run(method, call, (signal) => answer(call.request, signal)).then(
        (response) => respond(null, response),
        (error: unknown) => respond(this.#refusal(method, error)),
      );
    };
  }

  /** Never rejects. */
  async list(call: ListCall): Promise<void> {
    const method = "ListSubscriptions";
    try {
      await this.#run(method, call, (signal) =>
        this.inPlace(async () => {
          const found = await survey(this.#hub, queryFromWire(call.request), this.#clock, signal);
          await this.#send(call, found, new Turns(this.#clock, signal));
        }),
      );
      call.end();
    } catch (error) {
      if (!call.cancelled) call.emit("error", this.#refusal(method, error));
    }
  }

  /**
   * Answers in one of the places that there are. Asked for behind the `authorize` hook: who may not call takes no place
   * from who may.
   *
   * @throws SpillwayError `LIMIT_REACHED`
   */
  async inPlace<T>(answer: () => Promise<T>): Promise<T> {
    if (this.#places >= this.#maxCalls) {
      throw new SpillwayError(
        "LIMIT_REACHED",
        `${this.#maxCalls} calls of ${NAME} are under way, the most allowed; come back later`,
      );
    }
    this.#places++;
    try {
      return await answer();
    } finally {
      this.#places--;
    }
  }

  async stats(windowMs: number | undefined, signal: AbortSignal): Promise<WireGetStatsResponse> {
    const window = checkedWindow(windowMs);
    if (window === 0) return statsToWire({ ...this.#hub.stats(), rates: undefined });
    const [before, since] = [this.#hub.stats(), this.#clock.now()];
    await new Turns(this.#clock, signal).after(window);
    const [after, until] = [this.#hub.stats(), this.#clock.now()];
    const rates = ratesBetween(readingOf(before, since), readingOf(after, until));
    const published = ((after.published - before.published) * 1000) / Math.max(1, until - since);
    return statsToWire({ ...after, rates: { ...rates, published } });
  }

  evict(id: string, detail: string): WireEvictResponse {
    if (detail.length > MAX_DETAIL_LENGTH || /[\p{Cc}\p{Cs}]/u.test(detail)) {
      throw new SpillwayError(
        "REQUEST_INVALID",
        `expected a detail of at most ${MAX_DETAIL_LENGTH} printable characters, got ${quote(detail)}`,
        { field: "detail" },
      );
    }
    const subscription = this.#find(id);
    const report = reportOf(subscription);
    subscription.end("evicted", detail === "" ? undefined : `${CLOSE_REASONS.evicted.detail}: ${detail}`);
    return { subscription: subscriptionToWire(report) };
  }

  /** Ends the calls under way. */
  shutDown(): void {
    for (const call of this.#running) call.abort(shuttingDown());
  }

  /** What is the same for all methods. */
  async #run<T>(method: string, call: Call, answer: (signal: AbortSignal) => T | Promise<T>): Promise<T> {
    const running = new AbortController();
    const { signal } = running;
    call.on("cancelled", () => running.abort(new SpillwayError("CLOSED", "the caller has gone")));
    this.#running.add(running);
    try {
      if (this.#hub.closing) throw shuttingDown();
      await this.#hub.authorize({ action: "admin", method, topics: [], ...describeCall(call) });
      signal.throwIfAborted();
      return await answer(signal);
    } finally {
      this.#running.delete(running);
    }
  }

  /** A response at a time, as fast as they are read, and one in a turn of the event loop. */
  async #send(call: ListCall, { total, worst }: Survey, turns: Turns): Promise<void> {
    let subscriptions: WireSubscription[] = [];
    let isFirst = true;
    const flush = (): Promise<void> => {
      const taken = call.write(isFirst ? { subscriptions, total } : { subscriptions });
      isFirst = false;
      subscriptions = [];
      return taken ? turns.next() : turns.once(call, "drain");
    };
    for (const report of worst) {
      subscriptions.push(subscriptionToWire(report));
      if (subscriptions.length === SUBSCRIPTIONS_PER_RESPONSE) await flush();
    }
    if (isFirst || subscriptions.length > 0) await flush();
  }

  /** @throws SpillwayError `ID_UNKNOWN` */
  #find(id: string): Subscription {
    for (const subscription of this.#hub.subscriptions()) if (subscription.id === id) return subscription;
    throw new SpillwayError(
      "ID_UNKNOWN",
      `there is no subscription ${quote(id)}: it has ended, or never was`,
    );
  }

  /** The status for an error on the way; one that no client should see goes to the owner of the hub. */
  #refusal(method: string, error: unknown): StatusObject {
    if (!(error instanceof SpillwayError)) this.#hub.reportHookError(`${method} of ${NAME}`, error);
    return refusal(this.#hub, error);
  }
}

function shuttingDown(): SpillwayError {
  return new SpillwayError("CLOSED", "the server is shutting down");
}
