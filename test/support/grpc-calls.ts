// Calls from a client of grpc-js, observed: what came, and how it ended.

import type { TestContext } from "node:test";
import {
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  credentials,
  type Metadata,
  Metadata as MetadataClass,
  type MethodDefinition,
  type ServiceError,
  type StatusObject,
} from "@grpc/grpc-js";

/** A client on a connection of its own, closed with the test. */
export function grpcClient(t: TestContext, address: string, channel = credentials.createInsecure()): Client {
  const client = new Client(address, channel, { "grpc.use_local_subchannel_pool": 1 });
  t.after(() => client.close());
  return client;
}

/** Responses as they come, and everything that a test waits for. */
export class ObservedCall<Response> {
  readonly received: Response[] = [];
  /** Resolves with the headers: the call is live. Never, when the answer is trailers only. */
  readonly live: Promise<Metadata>;
  readonly status: Promise<StatusObject>;
  readonly call: ClientReadableStream<Response>;
  #waiting: { count: number; resolve: () => void; reject: (error: Error) => void }[] = [];

  constructor(call: ClientReadableStream<Response>) {
    this.call = call;
    this.live = new Promise((resolve) => call.once("metadata", resolve));
    // Every outcome also comes as a status; the error event only needs a listener.
    call.on("error", () => {});
    call.on("data", (response: Response) => {
      this.received.push(response);
      this.#settle();
    });
    this.status = new Promise((resolve) =>
      call.once("status", (status: StatusObject) => {
        resolve(status);
        const error = new Error(`the call ended with ${status.code} ${status.details}`);
        for (const { reject } of this.#waiting.splice(0)) reject(error);
      }),
    );
  }

  /** Resolves when at least so many responses have come; rejects when the call ends before. */
  async take(count: number): Promise<readonly Response[]> {
    if (this.received.length < count) {
      await new Promise<void>((resolve, reject) => this.#waiting.push({ count, resolve, reject }));
    }
    return this.received.slice(0, count);
  }

  #settle(): void {
    const ready = this.#waiting.filter(({ count }) => this.received.length >= count);
    this.#waiting = this.#waiting.filter((waiter) => !ready.includes(waiter));
    for (const { resolve } of ready) resolve();
  }
}

export function openStream<Request, Response>(
  client: Client,
  method: MethodDefinition<Request, Response>,
  request: Request,
  metadata = new MetadataClass(),
): ObservedCall<Response> {
  return new ObservedCall(
    client.makeServerStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      metadata,
    ),
  );
}

export function openBidi<Request, Response>(
  client: Client,
  method: MethodDefinition<Request, Response>,
): { readonly call: ClientDuplexStream<Request, Response>; readonly observed: ObservedCall<Response> } {
  const call = client.makeBidiStreamRequest(method.path, method.requestSerialize, method.responseDeserialize);
  return { call, observed: new ObservedCall(call) };
}

export function callUnary<Request, Response>(
  client: Client,
  method: MethodDefinition<Request, Response>,
  request: Request,
  metadata = new MetadataClass(),
): Promise<Response> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      metadata,
      (error: ServiceError | null, response?: Response) =>
        error ? reject(error) : resolve(response as Response),
    );
  });
}
