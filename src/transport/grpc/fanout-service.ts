/**
 * `spillway.v1.Fanout` for a hub: everything that a subscriber can be told, and publishing.
 *
 * @module
 */
import type {
  Server,
  ServerDuplexStream,
  ServerUnaryCall,
  ServiceDefinition,
  sendUnaryData,
  UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { SpillwayError } from "../../errors.ts";
import type { Hub } from "../../fanout/index.ts";
import { describeCall } from "./call-info.ts";
import {
  loadContracts,
  type WirePublishAck,
  type WirePublishRequest,
  type WirePublishResponse,
  type WireSubscribeRequest,
  type WireSubscribeResponse,
} from "./contracts.ts";
import { type DeliveryOptions, resolveDelivery } from "./delivery-options.ts";
import { fanoutMethod } from "./fanout-method.ts";
import { Predecessors } from "./predecessors.ts";
import { authorizePublish, publish, publishRefusal } from "./publish.ts";
import { PublishStream } from "./publish-stream.ts";
import { frameToWire, startedToWire, subscribeFromWire } from "./wire.ts";

/** A service that can be added to any grpc-js server. */
export interface GrpcService {
  /** Its full name, as health checks ask for it. */
  readonly name: string;
  addTo(server: Server): void;
  /**
   * Refuses what the hub does not know of and so cannot end: streams that publish. Subscriptions end with the hub.
   */
  shutDown(): void;
}

/** `authorize` is the hub's: it is asked about subscribing as well as publishing. */
export type FanoutServiceOptions = DeliveryOptions;

/** `spillway.v1.Fanout` for a hub. */
export function fanoutService(hub: Hub, options: FanoutServiceOptions = {}): GrpcService {
  const { fanout } = loadContracts();
  const { clock, endGraceMs } = resolveDelivery(options);
  const predecessors = new Predecessors();
  const subscribe = fanoutMethod<WireSubscribeRequest, WireSubscribeResponse>(fanout.Subscribe, {
    ...options,
    hub,
    subscribe: subscribeFromWire,
    message: frameToWire,
    control(frame, { request }) {
      if (frame.kind !== "started") return frameToWire(frame);
      return { started: startedToWire(frame, predecessors.recall(request.previousSubscriptionId)) };
    },
    onStart(subscription, { previousSubscriptionId }) {
      predecessors.succeeded(previousSubscriptionId);
      predecessors.started(subscription);
    },
    onEnd: (subscription, end) => predecessors.ended(subscription, end),
  });
  const publishing = new Set<PublishStream>();
  const definition: ServiceDefinition = { ...fanout, Subscribe: subscribe.definition };
  const implementation: UntypedServiceImplementation = {
    Subscribe: subscribe.handler,
    Publish(
      call: ServerUnaryCall<WirePublishRequest, WirePublishResponse>,
      respond: sendUnaryData<WirePublishResponse>,
    ) {
      authorizePublish(hub, call.request.topic ?? "", describeCall(call))
        .then(() => publish(hub, call.request))
        .then(
          ({ offset }) => respond(null, { position: { epoch: hub.epoch, offset } }),
          (error: unknown) => respond(publishRefusal(hub, error)),
        );
    },
    PublishStream(call: ServerDuplexStream<WirePublishRequest, WirePublishAck>) {
      const stream = new PublishStream(hub, call, {
        clock,
        endGraceMs,
        onOver: () => publishing.delete(stream),
      });
      publishing.add(stream);
      if (hub.closing) stream.refuse(shuttingDown());
    },
  };
  return {
    name: "spillway.v1.Fanout",
    addTo: (server) => server.addService(definition, implementation),
    shutDown() {
      for (const stream of [...publishing]) stream.refuse(shuttingDown());
    },
  };
}

function shuttingDown(): SpillwayError {
  return new SpillwayError("CLOSED", "the server is shutting down");
}
