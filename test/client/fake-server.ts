/**
 * A server of both contracts with handlers by hand: it does whatever a test tells it to, also what a real one
 * never should. Handlers see calls in the order of their arrival.
 */
import { once } from "node:events";
import {
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceError,
  type sendUnaryData,
} from "@grpc/grpc-js";
import type { EndFrame, Frame, Position, StartedFrame } from "../../src/protocol/index.ts";
import {
  type LonglivedRequest,
  type LonglivedResponse,
  loadContracts,
  type WireEvictRequest,
  type WireEvictResponse,
  type WireGetStatsRequest,
  type WireGetStatsResponse,
  type WireListSubscriptionsRequest,
  type WireListSubscriptionsResponse,
  type WirePublishAck,
  type WirePublishRequest,
  type WirePublishResponse,
  type WireSubscribeRequest,
  type WireSubscribeResponse,
} from "../../src/transport/grpc/contracts.ts";
import { endToStatus } from "../../src/transport/grpc/status.ts";
import { frameToWire } from "../../src/transport/grpc/wire.ts";

export type SubscribeCall = ServerWritableStream<WireSubscribeRequest, WireSubscribeResponse>;
export type LonglivedCall = ServerWritableStream<LonglivedRequest, LonglivedResponse>;
export type PublishStreamCall = ServerDuplexStream<WirePublishRequest, WirePublishAck>;

export interface AdminHandlers {
  readonly ListSubscriptions?: handleServerStreamingCall<
    WireListSubscriptionsRequest,
    WireListSubscriptionsResponse
  >;
  readonly GetStats?: handleUnaryCall<WireGetStatsRequest, WireGetStatsResponse>;
  readonly Evict?: handleUnaryCall<WireEvictRequest, WireEvictResponse>;
}

export interface Handlers {
  /** @param attempt 1 for the first call that this server gets. */
  subscribe?: (call: SubscribeCall, attempt: number) => void;
  longlived?: (call: LonglivedCall, attempt: number) => void;
  publish?: (
    call: ServerUnaryCall<WirePublishRequest, WirePublishResponse>,
    done: sendUnaryData<WirePublishResponse>,
  ) => void;
  publishStream?: (call: PublishStreamCall) => void;
  /** Of the admin service, by method; without them the server does not have it. */
  admin?: AdminHandlers;
}

export interface FakeServer {
  readonly address: string;
  readonly port: number;
  /** Cuts every connection and stops listening. */
  die(): void;
}

const unwanted = (): void => {
  throw new Error("this test expects no such call");
};

export async function fakeServer(handlers: Handlers, port = 0): Promise<FakeServer> {
  const { admin, fanout, longlived } = loadContracts();
  const server = new Server();
  let subscribes = 0;
  let longliveds = 0;
  const { Subscribe } = fanout;
  // A handler may also write bytes, to say what no encoder would.
  const responseSerialize = (value: WireSubscribeResponse | Buffer): Buffer =>
    Buffer.isBuffer(value) ? value : Subscribe.responseSerialize(value);
  server.addService(
    { ...fanout, Subscribe: { ...Subscribe, responseSerialize } } as never,
    {
      Subscribe: (call: SubscribeCall) => {
        call.on("error", () => {});
        subscribes += 1;
        (handlers.subscribe ?? unwanted)(call, subscribes);
      },
      Publish: handlers.publish ?? unwanted,
      PublishStream: handlers.publishStream ?? unwanted,
    } as never,
  );
  if (handlers.admin !== undefined) server.addService(admin, { ...handlers.admin });
  server.addService(
    longlived as never,
    {
      Subscribe: (call: LonglivedCall) => {
        call.on("error", () => {});
        longliveds += 1;
        (handlers.longlived ?? unwanted)(call, longliveds);
      },
      Unsubscribe: unwanted,
    } as never,
  );
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, got) =>
      error ? reject(error) : resolve(got),
    );
  });
  return { address: `127.0.0.1:${bound}`, port: bound, die: () => server.forceShutdown() };
}

/** Starts a subscription as a real server does: headers at once, then `started`. */
export function start(
  call: SubscribeCall,
  position: Position = { epoch: "e1", offset: 0 },
  overflow: "drop-oldest" | "conflate" = "drop-oldest",
): void {
  call.sendMetadata(new Metadata());
  send(call, { ...startedFrame("s"), position, overflow });
}

export function startedFrame(subscriptionId: string): StartedFrame {
  const position = { epoch: "e1", offset: 0 };
  const queue = { messages: 8, bytes: 1024 };
  const granted = { overflow: "drop-oldest", queue, bounded: [], maxAgeMs: undefined } as const;
  return { kind: "started", subscriptionId, position, ...granted, class: undefined };
}

export function send(call: SubscribeCall, ...frames: Exclude<Frame, EndFrame>[]): void {
  for (const frame of frames) call.write(frameToWire(frame));
}

/** Ends a call with a status of this project. */
export function end(
  call: SubscribeCall | LonglivedCall,
  frame: Pick<EndFrame, "reason"> & Partial<EndFrame>,
): void {
  call.emit(
    "error",
    endToStatus({
      kind: "end",
      position: { epoch: "e1", offset: 0 },
      detail: `ended: ${frame.reason}`,
      lost: 0,
      retryAfterMs: undefined,
      ...frame,
    }),
  );
}

/** Ends a call with a bare status, as any other server or a proxy would. */
export function fail(
  call: SubscribeCall | LonglivedCall | PublishStreamCall,
  code: number,
  details = "no",
): void {
  call.emit("error", { code, details, metadata: new Metadata() } as ServiceError);
}

export function message(
  offset: number,
  more: { topic?: string; key?: string; payload?: string } = {},
): Extract<Frame, { kind: "message" }> {
  return {
    kind: "message",
    topic: more.topic ?? "t",
    offset,
    previousOffset: offset - 1,
    key: more.key,
    headers: undefined,
    publishedAtMs: 1_700_000_000_000.125,
    payload: Buffer.from(more.payload ?? `m${offset}`),
    tombstone: false,
  };
}

/** Resolves when the other side has cancelled the call, or is gone. */
export async function cancelled(call: SubscribeCall | LonglivedCall): Promise<void> {
  if (!call.cancelled) await once(call, "cancelled");
}

export interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
}

export function deferred<T = void>(): Deferred<T> {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
