/**
 * A subscriber of the full contract that speaks HTTP/2 by hand, because no gRPC library can do this: it grants its
 * stream a window of 0 bytes, answers PINGs all the while, and takes nothing until it is told to.
 */
import { connect } from "node:http2";
import { SUBSCRIBE, type SubscribeRequest, spillwayTrailers, toEntry } from "./contract.ts";
import { onOrder, record, spec } from "./report.ts";

const HEADER_BYTES = 5;

const { address, request, name } = spec<{
  readonly address: string;
  readonly request: SubscribeRequest;
  readonly name: string;
}>();

const session = connect(`http://${address}`, { settings: { initialWindowSize: 0 } });
session.on("error", () => {});
// Not before the server knows the window.
session.once("localSettings", subscribe);
onOrder<{ order: "resume" }>(() => session.settings({ initialWindowSize: 65_535 }));

function subscribe(): void {
  const stream = session.request({
    ":method": "POST",
    ":path": SUBSCRIBE.path,
    "content-type": "application/grpc",
    te: "trailers",
  });
  const body = SUBSCRIBE.requestSerialize({ clientName: name, ...request });
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(body.byteLength, 1);
  stream.end(Buffer.concat([header, body]));

  let trailers: Record<string, unknown> = {};
  let unread: Buffer = Buffer.alloc(0);
  stream.on("error", () => {});
  stream.on("response", (headers) => {
    if (headers["grpc-status"] === undefined) record({ kind: "live" });
    else trailers = headers;
  });
  stream.on("data", (chunk: Buffer) => {
    unread = Buffer.concat([unread, chunk]);
    while (unread.length >= HEADER_BYTES) {
      const end = HEADER_BYTES + unread.readUInt32BE(1);
      if (unread.length < end) break;
      record(toEntry(SUBSCRIBE.responseDeserialize(unread.subarray(HEADER_BYTES, end))));
      unread = unread.subarray(end);
    }
  });
  stream.on("trailers", (received) => {
    trailers = received;
  });
  stream.on("close", () => {
    const status = trailers["grpc-status"];
    record({
      kind: "end",
      ...(status === undefined ? { reset: stream.rstCode ?? 0 } : { code: Number(status) }),
      trailers: spillwayTrailers(trailers),
    });
  });
}
