/**
 * Three ways to send the same gRPC messages to the same number of HTTP/2 clients, all in this process, each burst when
 * the one before has arrived everywhere. The clients are in another process.
 *
 * @module
 */
import { once } from "node:events";
import { createServer, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { Metadata, type ServerWritableStream } from "@grpc/grpc-js";
import { Hub } from "../../src/fanout/index.ts";
import { fanoutMethod, serve } from "../../src/transport/grpc/index.ts";
import { GRPC_HEADER_BYTES, lengthHeader } from "../systems/length-prefix.ts";
import { PAYLOAD } from "./crowd.ts";
import { rawMethod } from "./raw-method.ts";
import { StreamClients } from "./stream-clients.ts";

export const CONNECTIONS = 100;

const MESSAGE = Buffer.from(PAYLOAD);

export type Way = "spillway" | "plain grpc-js" | "raw node:http2";

export interface Load {
  readonly way: Way;
  /** Messages that are sent in one go. */
  readonly burst: number;
}

/** A load that has its subscribers: sends one burst, resolves when everybody has it. */
export type Deliver = () => Promise<void>;

interface Servers {
  /** Where the subscribers of a load find their method. */
  address(load: Load): string;
  send(load: Load): void;
  close(): Promise<void>;
}

/** Serves the loads, for as long as `use` takes, and gives everything back. */
export async function withLoads<T>(
  loads: readonly Load[],
  use: (delivers: readonly Deliver[]) => Promise<T>,
): Promise<T> {
  const [grpc, raw] = [await grpcServer(loads), await rawServer()];
  const serverOf = ({ way }: Load): Servers => (way === "raw node:http2" ? raw : grpc);
  const clients = new Map<string, StreamClients>();
  const subscribed = async (load: Load): Promise<Deliver> => {
    const server = serverOf(load);
    const address = server.address(load);
    const own = clients.get(address) ?? (await StreamClients.connect(address, CONNECTIONS));
    clients.set(address, own);
    const path = pathOf(load);
    const bytesPerRound = load.burst * (GRPC_HEADER_BYTES + MESSAGE.byteLength);
    await own.call({ path, perConnection: 1, bytesPerRound });
    return () => {
      const arrived = own.round(path);
      server.send(load);
      return arrived;
    };
  };
  try {
    const delivers: Deliver[] = [];
    for (const load of loads) delivers.push(await subscribed(load));
    return await use(delivers);
  } finally {
    await Promise.all([...clients.values()].map((each) => each.close()));
    await Promise.all([grpc.close(), raw.close()]);
  }
}

/** Spillway and plain grpc-js: methods of one server, on the same connections. */
async function grpcServer(loads: readonly Load[]): Promise<Servers> {
  type Call = ServerWritableStream<Buffer, Buffer>;
  const hub = new Hub();
  const calls = new Map<string, Call[]>();
  const served = await serve(hub, {
    listen: "127.0.0.1:0",
    fanout: false,
    longlived: false,
    drainTimeoutMs: 1,
    endGraceMs: 1,
    services(server) {
      for (const load of loads) {
        const path = pathOf(load);
        const method = rawMethod(path);
        if (load.way === "spillway") {
          const { definition, handler } = fanoutMethod(method, { hub, topic: () => path });
          server.addService({ Subscribe: definition }, { Subscribe: handler });
        } else if (load.way === "plain grpc-js") {
          const subscribed: Call[] = [];
          calls.set(path, subscribed);
          const handler = (call: Call) => {
            subscribed.push(call);
            call.sendMetadata(new Metadata());
          };
          server.addService({ Subscribe: method }, { Subscribe: handler });
        }
      }
    },
  });
  return {
    address: () => served.address,
    send(load) {
      const path = pathOf(load);
      const plain = calls.get(path);
      for (let message = 0; message < load.burst; message++) {
        if (plain === undefined) hub.publish(path, MESSAGE);
        else for (const call of plain) call.write(MESSAGE);
      }
    },
    close: async () => void (await served.close()),
  };
}

/** As few writes as can be: a burst is joined once, and is one write per subscriber. */
async function rawServer(): Promise<Servers> {
  const streams = new Map<string, ServerHttp2Stream[]>();
  const sessions = new Set<ServerHttp2Session>();
  const server = createServer();
  server.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
    // A connection that its client cut is no news.
    session.on("error", () => {});
  });
  server.on("stream", (stream, headers) => {
    const path = String(headers[":path"]);
    stream.on("error", () => {});
    streams.set(path, [...(streams.get(path) ?? []), stream]);
    // The request says nothing, but its end must be read.
    stream.resume();
    stream.respond({ ":status": 200, "content-type": "application/grpc" });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    address: () => `127.0.0.1:${port}`,
    send(load) {
      const parts: Uint8Array[] = [];
      for (let message = 0; message < load.burst; message++) {
        parts.push(lengthHeader(GRPC_HEADER_BYTES, MESSAGE.byteLength), MESSAGE);
      }
      const joined = Buffer.concat(parts);
      for (const stream of streams.get(pathOf(load)) ?? []) stream.write(joined);
    },
    async close() {
      for (const session of sessions) session.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

function pathOf({ way, burst }: Load): string {
  return `/bench.ClosedLoop.${way.replaceAll(/\W/g, "")}${burst}/Subscribe`;
}
