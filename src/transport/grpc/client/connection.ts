/**
 * The one connection of a client: a grpc-js channel, replaced while it is down.
 *
 * grpc-js has a reconnect schedule of its own (from 1 s to 2 min, ±20 %). While it waits, the channel fails
 * every call at once without trying, which would put that schedule in place of ours: no full jitter, and a
 * server that came back would go unnoticed for minutes. So a channel that is found failing is closed, and the
 * attempt that found it opens a new one. The new one also resolves the name anew.
 *
 * @module
 */
import {
  type ChannelCredentials,
  type ClientDuplexStream,
  type ClientOptions,
  type ClientReadableStream,
  type ClientUnaryCall,
  connectivityState,
  Client as GrpcClient,
  credentials as grpcCredentials,
  Metadata,
  type MethodDefinition,
  type ServiceError,
} from "@grpc/grpc-js";
import { quote, SpillwayError } from "../../../errors.ts";
import { PullCall } from "./pull-call.ts";

export interface ConnectionOptions {
  readonly credentials?: ChannelCredentials | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly channelOptions: ClientOptions;
}

/** What a call tells while it runs; see {@link PullCall}. */
export interface CallEvents {
  readonly onAnswered: () => void;
  readonly onOver: () => void;
}

export class Connection {
  readonly address: string;
  readonly #credentials: ChannelCredentials;
  readonly #metadata: Metadata;
  readonly #channelOptions: ClientOptions;
  #channel: GrpcClient | undefined;
  #closed = false;

  /** @throws SpillwayError `ADDRESS_INVALID`; Error for headers that gRPC cannot carry. */
  constructor(address: string, options: ConnectionOptions) {
    this.address = address;
    this.#credentials = options.credentials ?? grpcCredentials.createInsecure();
    this.#metadata = new Metadata();
    for (const [name, value] of Object.entries(options.headers ?? {})) this.#metadata.set(name, value);
    this.#channelOptions = options.channelOptions;
    this.#channel = this.#open();
  }

  /** The connection is up: a call that gets no answer now is the server's own doing. */
  get ready(): boolean {
    return this.#channel?.getChannel().getConnectivityState(false) === connectivityState.READY;
  }

  /** Opens a server stream and hands out its messages undecoded: what cannot be decoded is then the reader's to judge. */
  readStream<Request>(
    method: Pick<MethodDefinition<Request, never>, "path" | "requestSerialize">,
    request: Request,
    events: CallEvents,
  ): PullCall<Buffer> {
    const call = this.#usable().makeServerStreamRequest(
      method.path,
      method.requestSerialize,
      (bytes) => bytes,
      request,
      this.#metadata,
    );
    return new PullCall(call, events.onAnswered, events.onOver);
  }

  unary<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    timeoutMs: number,
    done: (error: ServiceError | null, response?: Response) => void,
  ): ClientUnaryCall {
    return this.#usable().makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      this.#metadata,
      { deadline: Date.now() + timeoutMs },
      done,
    );
  }

  serverStream<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    timeoutMs: number,
  ): ClientReadableStream<Response> {
    return this.#usable().makeServerStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      this.#metadata,
      { deadline: Date.now() + timeoutMs },
    );
  }

  duplex<Request, Response>(
    method: MethodDefinition<Request, Response>,
  ): ClientDuplexStream<Request, Response> {
    return this.#usable().makeBidiStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      this.#metadata,
    );
  }

  /** Gives up on the present channel; calls that wait for it fail with UNAVAILABLE. The next call opens another. */
  renew(): void {
    this.#channel?.close();
    this.#channel = undefined;
  }

  /** Calls that still run on it are the caller's to cancel. */
  close(): void {
    this.#closed = true;
    this.renew();
  }

  #usable(): GrpcClient {
    if (this.#closed) {
      throw new SpillwayError("CLOSED", `this client of ${this.address} is closed; connect() makes another`);
    }
    const failing =
      this.#channel?.getChannel().getConnectivityState(false) === connectivityState.TRANSIENT_FAILURE;
    if (failing) this.renew();
    this.#channel ??= this.#open();
    return this.#channel;
  }

  #open(): GrpcClient {
    try {
      return new GrpcClient(this.address, this.#credentials, this.#channelOptions);
    } catch (error) {
      throw new SpillwayError(
        "ADDRESS_INVALID",
        `expected the address of a gRPC server such as "127.0.0.1:7070", got ${quote(this.address)}`,
        { cause: error },
      );
    }
  }
}
