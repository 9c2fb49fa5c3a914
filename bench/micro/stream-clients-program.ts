// The clients of `stream-clients.ts`: does what it is ordered to, counts bytes, tells, and stays until it is killed.
import { once, setMaxListeners } from "node:events";
import { type ClientHttp2Session, connect } from "node:http2";
import type { Calls, Order, Told } from "./stream-clients.ts";

const HEADER_BYTES = 5;
/** So large that the server never waits for it. */
const WINDOW = 1 << 24;

let sessions: readonly ClientHttp2Session[] = [];

process.once("disconnect", () => process.exit());
process.on("message", (order: Order) => void obey(order));

async function obey(order: Order): Promise<void> {
  if (order.kind === "connect") {
    const { address, connections } = order;
    sessions = await Promise.all(Array.from({ length: connections }, () => open(address)));
    tell({ kind: "connected" });
  } else {
    await openAll(order.calls);
    tell({ kind: "open", path: order.calls.path });
  }
}

async function open(address: string): Promise<ClientHttp2Session> {
  const session = connect(`http://${address}`, { settings: { initialWindowSize: WINDOW } });
  setMaxListeners(0, session);
  // Without the server there is nothing left to do; whoever waits is told by the end of this process.
  session.on("error", () => process.exit());
  session.on("close", () => process.exit());
  await once(session, "connect");
  session.setLocalWindowSize(WINDOW);
  return session;
}

async function openAll(calls: Calls): Promise<void> {
  const received = new Array<number>(calls.perConnection * sessions.length).fill(0);
  const { bytesPerRound = Number.POSITIVE_INFINITY } = calls;
  let goal = bytesPerRound;
  // Streams that have not got all of the round yet.
  let behind = received.length;
  const count = (stream: number, bytes: number) => {
    const before = received[stream]!;
    received[stream] = before + bytes;
    if (before >= goal || before + bytes < goal || --behind > 0) return;
    goal += bytesPerRound;
    behind = received.filter((sum) => sum < goal).length;
    tell({ kind: "round", path: calls.path });
  };
  await Promise.all(
    received.map((_, index) =>
      openStream(sessions[index % sessions.length]!, calls, (bytes) => count(index, bytes)),
    ),
  );
}

async function openStream(
  session: ClientHttp2Session,
  { path, request = new Uint8Array(0) }: Calls,
  count: (bytes: number) => void,
): Promise<void> {
  const stream = session.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
  });
  stream.on("error", () => {});
  stream.on("data", (chunk: Buffer) => count(chunk.byteLength));
  const framed = Buffer.alloc(HEADER_BYTES + request.byteLength);
  framed.writeUInt32BE(request.byteLength, 1);
  framed.set(request, HEADER_BYTES);
  stream.end(framed);
  const [headers] = await once(stream, "response");
  if (headers["grpc-status"] !== undefined)
    throw new Error(`${path} was refused: ${headers["grpc-message"]}`);
}

function tell(told: Told): void {
  process.send?.(told);
}
