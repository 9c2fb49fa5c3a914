/**
 * Turns a server-streaming method of any service definition into a fan-out of a hub.
 *
 * A call goes this way: the request says what it wants (`topic` or `subscribe`), the hub's `authorize` decides,
 * `admit` may still refuse, and then the subscription is attached in the same synchronous step. A call that is
 * refused gets a status before any header, and one whose client gave up meanwhile gets nothing.
 *
 * Messages are encoded once, whatever the number of subscribers, unless a `render` hook makes them different
 * for each. Hooks may throw: one call, one message or one notice is affected, the error goes to the hub's
 * `onError`, and the client learns that something failed but not what.
 *
 * @module
 */
import type { handleServerStreamingCall, MethodDefinition, ServerWritableStream } from "@grpc/grpc-js";
import { SpillwayError } from "../../errors.ts";
import {
  type Access,
  checkPattern,
  type Hub,
  type Message,
  type SinkFrame,
  type SubscribeRequest,
  type Subscription,
  type WireShape,
} from "../../fanout/index.ts";
import type { EndFrame } from "../../protocol/index.ts";
import { describeCall } from "./call-info.ts";
import { type DeliveryOptions, type ResolvedDelivery, resolveDelivery } from "./delivery-options.ts";
import { BatchJoiner, frameMessage, passThrough } from "./framing.ts";
import { type FastWays, NO_FAST_WAYS } from "./outlet.ts";
import { rememberPeer } from "./peers.ts";
import { refusal } from "./refusal.ts";
import { type Encoded, GrpcSink, type GrpcSinkOptions } from "./sink.ts";
import { fastWays } from "./write-self-test.ts";

/** A frame that is not a message: `started`, `gap`, `progress` or `state`. */
export type ControlFrame = Exclude<SinkFrame, Message>;

/** What a request subscribes to; see {@link SubscribeRequest}. */
export interface FanoutTerms extends Omit<SubscribeRequest, "patterns"> {
  readonly patterns: string | readonly string[];
}

/** One subscriber, as its hooks see it. */
export interface Subscriber<Request> {
  readonly request: Request;
  readonly subscription: Subscription;
}

export interface FanoutMethodOptions<Request, Response> extends DeliveryOptions {
  readonly hub: Hub;

  /** The pattern, or patterns, that a request subscribes to. Either this or `subscribe`. */
  readonly topic?: (request: Request) => string | readonly string[];

  /**
   * Everything that a request subscribes with: patterns, start, policy, filter. Throw a `SpillwayError` to refuse.
   * Either this or `topic`.
   */
  readonly subscribe?: (request: Request, call: ServerWritableStream<Request, Response>) => FanoutTerms;

  /**
   * A message as the response that every subscriber gets. Called once per message.
   *
   * @default the payload is taken for an encoded response
   */
  readonly message?: (message: Message) => Response;

  /**
   * A message as the response for one subscriber, or `undefined` to send it nothing. Called for every message
   * and subscriber, when it is about to be sent: prefer `message` wherever all get the same. When it throws,
   * this subscriber loses this message.
   */
  readonly render?: (message: Message, subscriber: Subscriber<Request>) => Response | undefined;

  /**
   * A frame that is not a message as a response, or `undefined` where the contract has no place for it. This is
   * where a subscriber's losses can be seen; they are in the trailers as well.
   *
   * @default nothing is sent
   */
  readonly control?: (frame: ControlFrame, subscriber: Subscriber<Request>) => Response | undefined;

  /**
   * Last word on an authorized request, in the same synchronous step in which it is attached. Throw a
   * `SpillwayError` to refuse.
   */
  readonly admit?: (request: Request) => void;

  /** The subscription is live. */
  readonly onStart?: (subscription: Subscription, request: Request) => void;

  /** It is over. Called once for each that started, outside of `publish()`. */
  readonly onEnd?: (subscription: Subscription, end: EndFrame) => void;
}

/** Both parts belong together: grpc-js takes the response serializer from the definition at registration. */
export interface FanoutMethod<Request, Response> {
  /** For the service definition, in place of the method's own. */
  readonly definition: MethodDefinition<Request, Response>;
  /** For the implementation. Never throws. */
  readonly handler: handleServerStreamingCall<Request, Response>;
}

/**
 * A server-streaming method as a fan-out. Register both parts under the method's name:
 *
 * ```ts
 * const watch = fanoutMethod(service.Watch, { hub, topic: (request) => `prices.${request.symbol}` });
 * server.addService({ ...service, Watch: watch.definition }, { Watch: watch.handler });
 * ```
 *
 * @throws TypeError for a method that does not stream responses, or options that contradict each other
 */
export function fanoutMethod<Request, Response>(
  definition: MethodDefinition<Request, Response>,
  options: FanoutMethodOptions<Request, Response>,
): FanoutMethod<Request, Response> {
  checkUse(definition, options);
  const method = new Method(definition, options);
  return {
    definition: { ...definition, responseSerialize: passThrough },
    handler: (call) => void method.handle(call),
  };
}

function checkUse<Request, Response>(
  definition: MethodDefinition<Request, Response>,
  options: FanoutMethodOptions<Request, Response>,
): void {
  const { path } = definition;
  if (definition.requestStream || !definition.responseStream) {
    throw new TypeError(`${path} must take one request and stream its responses to be a fan-out`);
  }
  if ((options.topic === undefined) === (options.subscribe === undefined)) {
    throw new TypeError(`the fan-out of ${path} needs either topic or subscribe`);
  }
  if (options.message !== undefined && options.render !== undefined) {
    throw new TypeError(`the fan-out of ${path} can have message or render, not both`);
  }
}

class Method<Request, Response> {
  readonly #hub: Hub;
  readonly #path: string;
  readonly #options: FanoutMethodOptions<Request, Response>;
  readonly #serialize: (response: Response) => Uint8Array;
  readonly #shape: WireShape;
  readonly #ready: Promise<GrpcSinkOptions<Subscriber<Request>>>;

  constructor(
    definition: MethodDefinition<Request, Response>,
    options: FanoutMethodOptions<Request, Response>,
  ) {
    this.#hub = options.hub;
    this.#path = definition.path;
    this.#options = options;
    this.#serialize = definition.responseSerialize;
    const { message } = options;
    this.#shape = {
      name: definition.path,
      encode: message
        ? (published) => frameMessage(this.#serialize(message(published)), "shared")
        : (published) => frameMessage(published.payload, "shared"),
      failed: (error) => this.#report("message", error),
    };
    this.#ready = this.#prepare(resolveDelivery(options));
  }

  async #prepare({
    clock,
    endGraceMs,
    batching,
  }: ResolvedDelivery): Promise<GrpcSinkOptions<Subscriber<Request>>> {
    const ways: FastWays = batching === "off" ? NO_FAST_WAYS : await fastWays();
    const encode = (frame: SinkFrame, subscriber: Subscriber<Request>) => this.#encode(frame, subscriber);
    return { encode, clock, endGraceMs, ways, joiner: new BatchJoiner() };
  }

  /** Never rejects. */
  async handle(call: ServerWritableStream<Request, Response>): Promise<void> {
    const { request } = call;
    let step = "subscribe";
    try {
      // Asked early, so that a shutdown refuses at once and runs no hook for a call that has no chance.
      if (this.#hub.closing) throw new SpillwayError("CLOSED", "the server is shutting down");
      const { peer, headers } = describeCall(call);
      const terms = this.#terms(call);
      const { overflow, queue, clientName, labels, patterns: topics } = terms;
      for (const pattern of topics) checkPattern(pattern);
      step = "authorize";
      const action = "subscribe";
      const access = await this.#hub.authorize({
        action,
        topics,
        clientName,
        labels,
        peer,
        headers,
        overflow,
        queue,
      });
      const sinkOptions = await this.#ready;
      // From here to the attachment nothing waits: what `admit` has seen is still true when it is attached.
      if (call.cancelled) return;
      step = "admit";
      this.#options.admit?.(request);
      step = "attach";
      const subscription = this.#attach(call, terms, access, sinkOptions);
      rememberPeer(subscription, call);
      this.#started(subscription, request);
    } catch (error) {
      // Its own errors are meant for the client; all else is a fault of this side.
      if (!(error instanceof SpillwayError)) this.#report(step, error);
      if (!call.cancelled) call.emit("error", refusal(this.#hub, error));
    }
  }

  #attach(
    call: ServerWritableStream<Request, Response>,
    terms: SubscribeRequest,
    access: Access,
    sinkOptions: GrpcSinkOptions<Subscriber<Request>>,
  ): Subscription {
    // Encoding needs the subscription, which needs the sink, which needs whom to encode for.
    const subscriber: { readonly request: Request; subscription: Subscription | undefined } = {
      request: call.request,
      subscription: undefined,
    };
    const sink = new GrpcSink(
      call as ServerWritableStream<unknown, unknown>,
      subscriber as Subscriber<Request>,
      sinkOptions,
    );
    const subscription = this.#hub.attach(
      { ...terms, onEnd: this.#onEnd(terms.onEnd, subscriber) },
      sink,
      access,
    );
    subscriber.subscription = subscription;
    return subscription;
  }

  /** Both hooks as one. Lives as long as the subscription, so it holds nothing else of what was asked for. */
  #onEnd(
    ofTerms: FanoutTerms["onEnd"],
    subscriber: { readonly subscription: Subscription | undefined },
  ): SubscribeRequest["onEnd"] {
    const { onEnd } = this.#options;
    if (onEnd === undefined) return ofTerms;
    return (end) => {
      ofTerms?.(end);
      if (subscriber.subscription !== undefined) onEnd(subscriber.subscription, end);
    };
  }

  #started(subscription: Subscription, request: Request): void {
    try {
      this.#options.onStart?.(subscription, request);
    } catch (error) {
      // It is live, so this refuses nobody.
      this.#report("onStart", error);
    }
  }

  #terms(call: ServerWritableStream<Request, Response>): SubscribeRequest {
    const { topic, subscribe } = this.#options;
    const terms: FanoutTerms =
      subscribe !== undefined ? subscribe(call.request, call) : { patterns: topic?.(call.request) ?? [] };
    const { patterns } = terms;
    return { ...terms, patterns: typeof patterns === "string" ? [patterns] : patterns };
  }

  #encode(frame: SinkFrame, subscriber: Subscriber<Request>): Encoded {
    if (frame.kind !== "message") return this.#control(frame, subscriber);
    const { render } = this.#options;
    if (render === undefined) return frame.wire(this.#shape) ?? "failed";
    try {
      return this.#once(render(frame, subscriber));
    } catch (error) {
      this.#report("render", error);
      return "failed";
    }
  }

  #control(frame: ControlFrame, subscriber: Subscriber<Request>): Encoded {
    try {
      return this.#once(this.#options.control?.(frame, subscriber));
    } catch (error) {
      this.#report("control", error);
      return "nothing";
    }
  }

  #once(response: Response | undefined): Encoded {
    return response === undefined ? "nothing" : frameMessage(this.#serialize(response), "once");
  }

  #report(hook: string, error: unknown): void {
    this.#hub.reportHookError(`${hook} of ${this.#path}`, error);
  }
}
