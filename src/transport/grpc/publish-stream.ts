/**
 * The server's end of one PublishStream call: takes messages in order, acknowledges them many at a time.
 *
 * - Offsets of one turn of the event loop leave as one acknowledgement.
 * - A client that does not read its acknowledgements is not read from either, so what waits here is bounded.
 * - A client whose message found a blocking subscriber nearly full is not read from until there is room again. What
 *   it sends meanwhile waits within the stream's flow-control window, and then at the client.
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

/**
 * Why the stream is not read.
 *
 * - `authorizing`: its next message waits for an answer about its topic.
 * - `choked`: an acknowledgement found no room; the client is behind with reading.
 * - `blocked`: a subscriber asks publishers to wait.
 */
type Hold = "authorizing" | "choked" | "blocked";

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
  readonly #holds = new Set<Hold>();
  /** Aborted when the stream is over. */
  readonly #over = new AbortController();

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
    call.on("drain", () => this.#release("choked"));
    call.on("cancelled", () => this.#finish());
    call.on("error", () => this.#finish());
  }

  /** Ends the stream from this side, for example at a shutdown. */
  refuse(error: unknown): void {
    this.#end(publishRefusal(this.#hub, error));
  }

  #receive(request: WirePublishRequest): void {
    if (this.#isOver) return;
    const topic = request.topic ?? "";
    if (this.#granted.has(topic)) this.#accept(request);
    else this.#askFirst(topic, request);
  }

  #askFirst(topic: string, request: WirePublishRequest): void {
    this.#hold("authorizing");
    authorizePublish(this.#hub, topic, this.#info).then(
      () => {
        if (this.#granted.size >= MAX_GRANTED_TOPICS) this.#granted.clear();
        this.#granted.add(topic);
        if (!this.#isOver) this.#accept(request);
        this.#release("authorizing");
      },
      (error: unknown) => this.refuse(error),
    );
  }

  #accept(request: WirePublishRequest): void {
    try {
      const { offset, writable } = publish(this.#hub, request);
      this.#offsets.push(offset);
      this.#acknowledgeSoon();
      if (!writable) this.#waitForRoom(request.topic ?? "");
    } catch (error) {
      this.refuse(error);
    }
  }

  /** The hub bounds how long its subscribers may block, so this needs no time limit of its own. */
  #waitForRoom(topic: string): void {
    this.#hold("blocked");
    this.#hub.writable(topic, { signal: this.#over.signal }).then(
      () => this.#release("blocked"),
      // The stream is over; nobody waits any more.
      () => {},
    );
  }

  #acknowledgeSoon(): void {
    if (this.#ackScheduled) return;
    this.#ackScheduled = true;
    setImmediate(() => {
      this.#ackScheduled = false;
      if (!this.#isOver) this.#acknowledge();
    });
  }

  #acknowledge(): void {
    if (this.#offsets.length === 0) return;
    const offsets = this.#offsets;
    this.#offsets = [];
    if (!this.#call.write({ epoch: this.#hub.epoch, offsets })) this.#hold("choked");
  }

  #hold(why: Hold): void {
    this.#holds.add(why);
    this.#call.pause();
  }

  #release(why: Hold): void {
    this.#holds.delete(why);
    if (this.#holds.size === 0 && !this.#isOver) this.#call.resume();
  }

  #end(status: StatusObject): void {
    if (this.#isOver) return;
    this.#acknowledge();
    this.#finish();
    endCall(this.#call, status, this.#options.clock, this.#options.endGraceMs);
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#over.abort();
    this.#options.onOver(this);
  }

  get #isOver(): boolean {
    return this.#over.signal.aborted;
  }
}
