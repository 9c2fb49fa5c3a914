/**
 * `protos.Longlived` for a hub: one stream per client id, text out of one topic, and a call that ends a stream by
 * its id.
 *
 * The contract has no place for losses: they go to `onGap` and, as a sum, into the trailers.
 *
 * @module
 */
import type {
  ServerUnaryCall,
  ServiceDefinition,
  sendUnaryData,
  UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { SERVER_DEFAULTS } from "../../defaults.ts";
import { SpillwayError } from "../../errors.ts";
import type { Hub, Message, Subscription } from "../../fanout/index.ts";
import type { GapFrame } from "../../protocol/index.ts";
import { describeCall } from "./call-info.ts";
import { type LonglivedRequest, type LonglivedResponse, loadContracts } from "./contracts.ts";
import type { DeliveryOptions } from "./delivery-options.ts";
import { fanoutMethod } from "./fanout-method.ts";
import type { GrpcService } from "./fanout-service.ts";
import { refusal } from "./refusal.ts";

export interface LonglivedServiceOptions extends DeliveryOptions {
  /**
   * The topic, or pattern, whose messages all clients get.
   *
   * @default "longlived"
   */
  readonly topic?: string;

  /**
   * What one client is sent for a message; for data that differs per client. Called per message and client.
   *
   * @default the payload as text, encoded once for all
   */
  readonly render?: (message: Message, id: number) => string;

  /**
   * A client subscribes with an id that has a live stream.
   *
   * - `"replace"`: the newer one takes over; the older stream ends with ABORTED, `replaced`.
   * - `"refuse"`: the newer one gets ALREADY_EXISTS.
   *
   * @default "replace"
   */
  readonly onDuplicate?: "replace" | "refuse";

  /** A client lost messages. Called when the notice would have been sent. */
  readonly onGap?: (gap: GapFrame, id: number) => void;
}

/** `protos.Longlived` for a hub. */
export function longlivedService(hub: Hub, options: LonglivedServiceOptions = {}): GrpcService {
  const { longlived } = loadContracts();
  const { longlived: standard } = SERVER_DEFAULTS;
  const { topic = standard.topic, render, onDuplicate = standard.onDuplicate, onGap, ...delivery } = options;
  const clients = new ClientRegistry(onDuplicate);
  const subscribe = fanoutMethod<LonglivedRequest, LonglivedResponse>(longlived.Subscribe, {
    ...delivery,
    hub,
    subscribe: (request) => ({
      patterns: topic,
      clientName: String(idOf(request)),
      onEnd: () => clients.forgetEnded(idOf(request)),
    }),
    ...(render !== undefined
      ? { render: (message, { request }) => ({ data: render(message, idOf(request)) }) }
      : { message: ({ payload }) => ({ data: textOf(payload) }) }),
    control(frame, { request }) {
      if (frame.kind === "gap") onGap?.(frame, idOf(request));
      return undefined;
    },
    admit: (request) => clients.admit(idOf(request)),
    onStart: (subscription, request) => clients.add(idOf(request), subscription),
  });
  const definition: ServiceDefinition = { ...longlived, Subscribe: subscribe.definition };
  const implementation: UntypedServiceImplementation = {
    Subscribe: subscribe.handler,
    Unsubscribe(
      call: ServerUnaryCall<LonglivedRequest, LonglivedResponse>,
      respond: sendUnaryData<LonglivedResponse>,
    ) {
      const id = idOf(call.request);
      hub
        .authorize({
          action: "unsubscribe",
          topics: [topic],
          clientName: String(id),
          ...describeCall(call),
        })
        .then(() => clients.unsubscribe(id))
        .then(
          () => respond(null, {}),
          (error: unknown) => respond(refusal(hub, error)),
        );
    },
  };
  return {
    name: "protos.Longlived",
    addTo: (server) => server.addService(definition, implementation),
    shutDown() {},
  };
}

/** The live streams by client id. */
class ClientRegistry {
  readonly #clients = new Map<number, Subscription>();
  readonly #onDuplicate: "replace" | "refuse";

  constructor(onDuplicate: "replace" | "refuse") {
    this.#onDuplicate = onDuplicate;
  }

  /** @throws SpillwayError `ID_TAKEN` */
  admit(id: number): void {
    if (this.#onDuplicate === "replace" || this.#live(id) === undefined) return;
    throw new SpillwayError(
      "ID_TAKEN",
      `id ${id} has a live stream; unsubscribe it first, or use another id`,
      {
        field: "id",
      },
    );
  }

  /** The newer one is live by now: had it been refused, the older one would have kept its place. */
  add(id: number, subscription: Subscription): void {
    this.#live(id)?.end("replaced");
    this.#clients.set(id, subscription);
  }

  /** @throws SpillwayError `ID_UNKNOWN` */
  unsubscribe(id: number): void {
    const holder = this.#live(id);
    if (holder === undefined) {
      throw new SpillwayError("ID_UNKNOWN", `id ${id} has no live stream`, { field: "id" });
    }
    holder.end("unsubscribed");
  }

  /** The end of a replaced stream must not remove its successor. */
  forgetEnded(id: number): void {
    if (this.#live(id) === undefined) this.#clients.delete(id);
  }

  #live(id: number): Subscription | undefined {
    const holder = this.#clients.get(id);
    return holder?.state === "ended" ? undefined : holder;
  }
}

function idOf(request: LonglivedRequest): number {
  return request.id ?? 0;
}

function textOf(payload: Uint8Array): string {
  return Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString("utf8");
}
