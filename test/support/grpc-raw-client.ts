// A client that speaks HTTP/2 by hand: it can refuse to read at all (a window of 0), which no gRPC library does.
import { once } from "node:events";
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
} from "node:http2";
import type { TestContext } from "node:test";

export class RawCall {
  readonly stream: ClientHttp2Stream;
  readonly headers: Promise<IncomingHttpHeaders>;
  readonly closed: Promise<void>;
  /** With END_STREAM on the headers, these are the trailers as well. */
  trailers: IncomingHttpHeaders | undefined;
  endedWithHeaders = false;
  readonly #chunks: Buffer[] = [];

  constructor(stream: ClientHttp2Stream) {
    this.stream = stream;
    stream.on("error", () => {});
    stream.on("data", (chunk: Buffer) => this.#chunks.push(chunk));
    stream.on("trailers", (trailers) => {
      this.trailers = trailers;
    });
    this.closed = new Promise((resolve) => stream.once("close", () => resolve()));
    this.headers = new Promise((resolve) =>
      stream.once("response", (headers, flags) => {
        // END_STREAM
        this.endedWithHeaders = (flags & 1) !== 0;
        resolve(headers);
      }),
    );
  }

  /** Messages received so far, without their headers. */
  get messages(): Buffer[] {
    const bytes = Buffer.concat(this.#chunks);
    const messages: Buffer[] = [];
    for (let at = 0; at < bytes.length; ) {
      const length = bytes.readUInt32BE(at + 1);
      messages.push(bytes.subarray(at + 5, at + 5 + length));
      at += 5 + length;
    }
    return messages;
  }
}

export interface RawClient {
  readonly session: ClientHttp2Session;
  call(path: string, request?: Uint8Array): RawCall;
}

/** @param options.window bytes that each stream may be sent; 0 is a client that reads nothing */
export async function rawClient(
  t: TestContext,
  address: string,
  options: { readonly window?: number } = {},
): Promise<RawClient> {
  const settings = options.window === undefined ? {} : { initialWindowSize: options.window };
  const session = connect(`http://${address}`, { settings });
  session.on("error", () => {});
  t.after(() => session.destroy());
  await once(session, "localSettings");
  return {
    session,
    call(path, request = new Uint8Array(0)) {
      const stream = session.request({
        ":method": "POST",
        ":path": path,
        "content-type": "application/grpc",
        te: "trailers",
      });
      const header = Buffer.alloc(5);
      header.writeUInt32BE(request.byteLength, 1);
      stream.end(Buffer.concat([header, request]));
      return new RawCall(stream);
    },
  };
}
