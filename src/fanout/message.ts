import type { MessageFrame } from "../protocol/index.ts";
import type { QueueItem } from "../queue/index.ts";

/**
 * One way to put a message on a wire: the unit of "encode once". Subscriptions that are sent the same bytes for
 * the same message share one shape object.
 */
export interface WireShape {
  /** For error reports. */
  readonly name: string;
  /** The message as it goes out. Must depend on nothing but the message. May throw. */
  encode(message: Message): Uint8Array;
  /** `encode` threw. Called once per message; the message is lost for every subscription of this shape. */
  failed(error: unknown, message: Message): void;
}

/**
 * A published message: immutable, shared by every queue that holds it, and the keeper of its own encodings, so
 * that these live exactly as long as somebody still has to be sent the message.
 */
export class Message implements MessageFrame, QueueItem {
  readonly kind = "message";
  readonly topic: string;
  readonly offset: number;
  readonly previousOffset: number;
  readonly key: string | undefined;
  readonly headers: Readonly<Record<string, string>> | undefined;
  readonly publishedAtMs: number;
  readonly payload: Uint8Array;
  readonly tombstone: boolean;
  /** Unix time in milliseconds after which nobody is sent it; `undefined`: never. */
  readonly expiresAtMs: number | undefined;
  /** When it was published by the watch's time, which leaves out pauses of our own; see `Watch`. */
  readonly publishedAtWatch: number;
  /** How long it may wait for others to be sent with, in milliseconds, where the subscriber does not say. */
  readonly lingerMs: number;
  /** What it weighs in queues: payload, key and headers, in bytes. */
  readonly bytes: number;
  /** Topic and key as one string, made once here rather than once per queue. NUL is in no topic. */
  readonly identity: string | undefined;

  // One shape is nearly always all there is, so the first one needs no map.
  #shape: WireShape | undefined;
  #encoded: Uint8Array | undefined;
  #others: Map<WireShape, Uint8Array | undefined> | undefined;

  constructor(
    fields: Omit<MessageFrame, "kind"> & {
      readonly bytes: number;
      readonly expiresAtMs: number | undefined;
      readonly publishedAtWatch: number;
      readonly lingerMs: number;
    },
  ) {
    this.topic = fields.topic;
    this.offset = fields.offset;
    this.previousOffset = fields.previousOffset;
    this.key = fields.key;
    this.headers = fields.headers;
    this.publishedAtMs = fields.publishedAtMs;
    this.payload = fields.payload;
    this.tombstone = fields.tombstone;
    this.expiresAtMs = fields.expiresAtMs;
    this.publishedAtWatch = fields.publishedAtWatch;
    this.lingerMs = fields.lingerMs;
    this.bytes = fields.bytes;
    this.identity = fields.key === undefined ? undefined : `${fields.topic}\0${fields.key}`;
  }

  /** The message in that shape, encoded the first time anybody asks; `undefined` when it cannot be. */
  wire(shape: WireShape): Uint8Array | undefined {
    if (this.#shape === shape) return this.#encoded;
    if (this.#shape === undefined) {
      this.#shape = shape;
      this.#encoded = this.#encode(shape);
      return this.#encoded;
    }
    this.#others ??= new Map();
    if (!this.#others.has(shape)) this.#others.set(shape, this.#encode(shape));
    return this.#others.get(shape);
  }

  #encode(shape: WireShape): Uint8Array | undefined {
    try {
      return shape.encode(this);
    } catch (error) {
      shape.failed(error, this);
      return undefined;
    }
  }
}
