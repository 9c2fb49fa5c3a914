/**
 * gRPC's length-prefixed framing, done here once per message instead of by grpc-js once per message and
 * subscriber; batches of framed messages as one buffer, made once for all who are sent the same; and a batch that
 * grpc-js sends as if it were one message.
 *
 * grpc-js keeps one message in flight per call and pays for every one of them with a turn of the event loop. It
 * uses two things of what a response serializer returns: `byteLength`, for the header that it writes itself, and
 * `copy(target, 5)`, for the bytes after that header. A {@link FrameBatch} answers both such that what ends up in
 * `target` is a sequence of whole messages, each behind its own header. HTTP/2 knows no message boundaries, so
 * every client reads it as the messages that it is.
 *
 * That grpc-js uses nothing else is not in its documentation. `write-self-test.ts` asks it before the first
 * batch is sent, and where the answer is no, messages go out one by one.
 *
 * @module
 */

/** Flag byte and 32-bit length. */
export const HEADER_BYTES = 5;

/** A message with its header in front. Immutable, and shared by all subscribers that are sent it. */
export type FramedMessage = Uint8Array;

/**
 * Frames an encoded message.
 *
 * @param use `shared`: it is kept as long as the message, so it gets memory of its own and pins nothing else;
 *   `once`: it is gone after one write, so it comes from Node's pool, which is cheaper.
 */
export function frameMessage(message: Uint8Array, use: "shared" | "once"): FramedMessage {
  const size = HEADER_BYTES + message.byteLength;
  const framed = use === "shared" ? Buffer.allocUnsafeSlow(size) : Buffer.allocUnsafe(size);
  // Never compressed: grpc-js announces `identity` for every response.
  framed[0] = 0;
  framed.writeUInt32BE(message.byteLength, 1);
  framed.set(message, HEADER_BYTES);
  return framed;
}

/**
 * Framed messages that leave in one write. Must not be empty when it is written, and not change from then on: an
 * interceptor may hold it back before its bytes are copied.
 */
export class FrameBatch {
  readonly #messages: FramedMessage[] = [];
  #bytes = 0;

  add(message: FramedMessage): void {
    this.#messages.push(message);
    this.#bytes += message.byteLength;
  }

  /** In the order they were added. */
  get messages(): readonly FramedMessage[] {
    return this.#messages;
  }

  /** What it weighs, headers included. */
  get bytes(): number {
    return this.#bytes;
  }

  /** For grpc-js: the length of what it takes for one message, without the header that it writes in front. */
  get byteLength(): number {
    return this.#bytes - HEADER_BYTES;
  }

  /** For grpc-js: writes all messages, the first one over the header that is there already. */
  copy(target: Uint8Array, offset: number): void {
    let at = offset - HEADER_BYTES;
    for (const message of this.#messages) {
      target.set(message, at);
      at += message.byteLength;
    }
  }
}

/**
 * Joins the messages of a batch into one buffer. In one flush most subscribers are sent the same messages, so a
 * batch like the one before gets the very same buffer: nothing is copied, and nothing is allocated that the
 * garbage collector would have to see off. Under load that is worth more than anything else on the way to the wire.
 */
export class BatchJoiner {
  #last: FrameBatch | undefined;
  #joined: Uint8Array | undefined;

  /** The batch's bytes. Shared: nobody may write to them. */
  join(batch: FrameBatch): Uint8Array {
    const { messages } = batch;
    const [only] = messages;
    if (only !== undefined && messages.length === 1) return only;
    if (this.#joined !== undefined && isSame(messages, this.#last?.messages)) return this.#joined;
    const joined = Buffer.allocUnsafeSlow(batch.bytes);
    batch.copy(joined, HEADER_BYTES);
    this.#last = batch;
    this.#joined = joined;
    return joined;
  }

  /** Lets go of the last batch: it would hold its messages for as long as nothing is sent. */
  forget(): void {
    this.#last = undefined;
    this.#joined = undefined;
  }
}

function isSame(messages: readonly FramedMessage[], others: readonly FramedMessage[] | undefined): boolean {
  if (messages.length !== others?.length) return false;
  for (let i = 0; i < messages.length; i++) if (messages[i] !== others[i]) return false;
  return true;
}

/**
 * The response serializer of every method that a sink writes to: it is given what is encoded already, a batch
 * or a single framed message, and passes it through.
 */
export function passThrough(value: unknown): Buffer {
  if (value instanceof FrameBatch) return value as unknown as Buffer;
  const { buffer, byteOffset, byteLength } = value as FramedMessage;
  return Buffer.from(buffer, byteOffset + HEADER_BYTES, byteLength - HEADER_BYTES);
}
