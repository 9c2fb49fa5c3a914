/**
 * The server's end of one PublishStream call: takes messages in order, acknowledges them many at a time.
 *
 * - Offsets of one turn of the event loop leave as one acknowledgement.
 * - A client that does not read its acknowledgements is not read from either, so what waits here is bounded.
 * - The first refusal ends the stream with its status, behind the acknowledgement of all before it.
 * - The caller is authorized once per topic and stream; while that is under way, the stream is not read.
 *
 * @module
 */
import type { ServerDuplexStream, StatusObject } from "@grpc/grpc-js";
import type { Clock } from "../../clock.ts";
import type { Hub } from "../../fanout/index.ts";
import { type CallInfo, describeCall } from "./call-info.ts";
import type { WirePublishAck, WirePublishRequest } from "./contracts.ts";
import { endCall } from "./end-call.ts";
import { authorizePublish, publish, publishRefusal } from "./publish.ts";
import { OK } from "./status.ts";

/** Topics of one stream whose authorization is remembered. Beyond, all are asked about again. */
const MAX_GRANTED_TOPICS = 1024;

export interface PublishStreamOptions {
  readonly clock: Clock;
  readonly endGraceMs: number;
  /** Called once, when nothing more will be taken. */
  readonly onOver: (stream: PublishStream) => void;
}

export class PublishStream {
  readonly #hub: Hub;
  readonly #call: ServerDuplexStream<WirePublishRequest, WirePublishAck>;
  readonly #options: PublishStreamOptions;
  readonly #info: CallInfo;
  readonly #granted = new Set<string>();
  /** Accepted, not acknowledged yet. */
  #offsets: number[] = [];
  #ackScheduled = false;
  #authorizing = false;
  /** An acknowledgement found no room; the client is behind with reading. */
  #choked = false;
  #over = false;

  constructor(
    hub: Hub,
    call: ServerDuplexStream<WirePublishRequest, WirePublishAck>,
    options: PublishStreamOptions,
  ) {
    this.#hub = hub;
    this.#call = call;
    this.#options = options;
    this.#info = describeCall(call);
    call.on("data", (request: WirePublishRequest) => this.#receive(request));
    call.on("end", () => this.#end(OK));
    call.on("drain", () => {
      this.#choked = false;
      this.#readIfReady();
    });
    call.on("cancelled", () => this.#finish());
    call.on("error", () => this.#finish());
  }

  /** Ends the stream from this side, for example at a shutdown. */
  refuse(error: unknown): void {
    this.#end(publishRefusal(this.#hub, error));
  }

  #receive(request: WirePublishRequest): void {
    if (this.#over) return;
    const topic = request.topic ?? "";
    if (this.#granted.has(topic)) this.#accept(request);
    else this.#askFirst(topic, request);
  }

  #askFirst(topic: string, request: WirePublishRequest): void {
    this.#authorizing = true;
    this.#call.pause();
    authorizePublish(this.#hub, topic, this.#info).then(
      () => {
        if (this.#granted.size >= MAX_GRANTED_TOPICS) this.#granted.clear();
        this.#granted.add(topic);
        this.#authorizing = false;
        if (!this.#over) this.#accept(request);
        this.#readIfReady();
      },
      (error: unknown) => this.refuse(error),
    );
  }

  #accept(request: WirePublishRequest): void {
    try {
      this.#offsets.push(publish(this.#hub, request));
      this.#acknowledgeSoon();
    } catch (error) {
      this.refuse(error);
    }
  }

  #acknowledgeSoon(): void {
    if (this.#ackScheduled) return;
    this.#ackScheduled = true;
    setImmediate(() => {
      this.#ackScheduled = false;
      if (!this.#over) this.#acknowledge();
    });
  }

  #acknowledge(): void {
    if (this.#offsets.length === 0) return;
    const offsets = this.#offsets;
    this.#offsets = [];
    if (this.#call.write({ epoch: this.#hub.epoch, offsets })) return;
    this.#choked = true;
    this.#call.pause();
  }

  #readIfReady(): void {
    if (!this.#over && !this.#authorizing && !this.#choked) this.#call.resume();
  }

  #end(status: StatusObject): void {
    if (this.#over) return;
    this.#acknowledge();
    this.#finish();
    endCall(this.#call, status, this.#options.clock, this.#options.endGraceMs);
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#options.onOver(this);
  }
}
