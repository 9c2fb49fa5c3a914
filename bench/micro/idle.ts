/**
 * What a subscription costs that has nothing to receive: heap held, after collection.
 *
 * Over gRPC most of it is the stream, which grpc-js and `node:http2` hold. The last row is what Spillway adds to that:
 * the difference between two servers in one process, one bare (its handler sends the headers and one message, and
 * keeps the call), the other Spillway's, with the same clients. The
 * connections are not in it.
 *
 * @module
 */
import { Metadata, Server, ServerCredentials, type ServerWritableStream } from "@grpc/grpc-js";
import { Hub } from "../../src/fanout/index.ts";
import { loadContracts } from "../../src/transport/grpc/contracts.ts";
import { serve } from "../../src/transport/grpc/index.ts";
import { bytesHeld } from "./collector.ts";
import { TOPIC } from "./crowd.ts";
import { NullSink, Tally } from "./null-sink.ts";
import { StreamClients } from "./stream-clients.ts";
import { bytes, type Measurement, type Row, type Table } from "./table.ts";

const IN_PROCESS = 10_000;
const CONNECTIONS = 10;
const STREAMS = 500;

const engine: Row = {
  name: "in process, null sink",
  async measure() {
    const hub = new Hub();
    const tally = new Tally();
    const attach = async (count: number) => {
      for (let index = 0; index < count; index++) hub.attach({ patterns: [TOPIC] }, new NullSink(tally));
    };
    await attach(1_000);
    await rest();
    const measured = await held(IN_PROCESS, () => attach(IN_PROCESS));
    await hub.close();
    return measured;
  },
};

async function bareStreams(): Promise<Measurement> {
  const { Subscribe } = loadContracts().fanout;
  const calls = new Set<unknown>();
  const server = new Server();
  server.addService(
    { Subscribe: { ...Subscribe, responseSerialize: (bytes: Buffer) => bytes } },
    {
      Subscribe(call: ServerWritableStream<unknown, unknown>) {
        calls.add(call);
        call.sendMetadata(new Metadata());
        // As large as the frame that begins a subscription.
        call.write(Buffer.alloc(100));
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  try {
    return await heldByStreams(`127.0.0.1:${port}`);
  } finally {
    server.forceShutdown();
  }
}

async function spillwayStreams(): Promise<Measurement> {
  const hub = new Hub();
  const served = await serve(hub, { listen: "127.0.0.1:0", longlived: false, drainTimeoutMs: 1 });
  try {
    return await heldByStreams(served.address);
  } finally {
    await served.close();
  }
}

async function heldByStreams(address: string): Promise<Measurement> {
  const { Subscribe } = loadContracts().fanout;
  const request = Subscribe.requestSerialize({ patterns: [TOPIC] });
  const clients = await StreamClients.connect(address, CONNECTIONS);
  const open = (perConnection: number) => clients.call({ path: Subscribe.path, request, perConnection });
  // Code that is compiled when it is first used.
  await open(10);
  await rest();
  const measured = await held(STREAMS, () => open(STREAMS / CONNECTIONS));
  await clients.close();
  return measured;
}

async function held(count: number, open: () => Promise<void>): Promise<Measurement> {
  const before = bytesHeld();
  await open();
  await rest();
  return bytes({ heldBytes: (bytesHeld() - before) / count });
}

/** Lets what was just opened come to rest: first frames, settings, acknowledgements. */
async function rest(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 100));
}

const difference: Row = {
  name: "what Spillway adds to a stream",
  async measure() {
    const bare = await bareStreams();
    const ours = await spillwayStreams();
    return bytes({ heldBytes: ours.heldBytes! - bare.heldBytes! });
  },
};

const table: Table = {
  module: import.meta.url,
  bytesOnly: true,
  name: "idle subscriptions",
  operation: "one more subscription that has nothing to receive",
  rows: (level) => [
    engine,
    ...(level === "headline"
      ? []
      : [
          { name: "bare grpc-js stream", measure: bareStreams },
          { name: "spillway.v1 stream", measure: spillwayStreams },
        ]),
    difference,
  ],
};

export const tables: readonly Table[] = [table];
