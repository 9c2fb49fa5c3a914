/** What a server of grpc-js holds open, by its own books (channelz). */
import assert from "node:assert/strict";
import { isDeepStrictEqual, promisify } from "node:util";
import { getChannelzHandlers, type Server } from "@grpc/grpc-js";

// biome-ignore lint/suspicious/noExplicitAny: the types of these calls are not exported
type Handler = (call: any, done: (error: unknown, response?: any) => void) => void;

const { GetServerSockets, GetSocket } = getChannelzHandlers() as Record<string, Handler>;

interface OpenOnServer {
  readonly connections: number;
  readonly streams: number;
}

async function openOn(server: Server): Promise<OpenOnServer> {
  const ref = server.getChannelzRef();
  const { socket_ref: sockets } = await ask(GetServerSockets, {
    server_id: ref.id,
    start_socket_id: 0,
    max_results: 0,
  });
  let streams = 0;
  for (const { socket_id } of sockets) {
    streams += await streamsOf(socket_id);
  }
  return { connections: sockets.length, streams };
}

async function streamsOf(socket: number): Promise<number> {
  try {
    const { data } = (await ask(GetSocket, { socket_id: socket })).socket;
    return data.streams_started - data.streams_succeeded - data.streams_failed;
  } catch (error) {
    // A connection that is just closing has lost its socket, which these books do not expect.
    if (error instanceof TypeError) return 0;
    throw error;
  }
}

/** How long to wait before saying what is open instead, in milliseconds. A limit, not a wait. */
const PATIENCE_MS = 30_000;

/** Resolves when so much is open, which the server must come to by events that are under way. */
export async function opens(server: Server, expected: Partial<OpenOnServer>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const open = await openOn(server);
    const wanted = { ...open, ...expected };
    if (isDeepStrictEqual(open, wanted)) return;
    if (performance.now() > deadline) assert.deepEqual(open, wanted, "open on the server");
    await new Promise((resolve) => setImmediate(resolve));
  }
}

// biome-ignore lint/suspicious/noExplicitAny: see above
async function ask(handler: Handler | undefined, request: object): Promise<any> {
  if (handler === undefined) throw new Error("this grpc-js has no channelz");
  return await promisify((done: (error: unknown, response?: unknown) => void) =>
    handler({ request }, done),
  )();
}
