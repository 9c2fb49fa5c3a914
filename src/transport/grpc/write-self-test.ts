/**
 * Asks the installed grpc-js, once per process, which of the fast ways to write a batch of messages it lets through
 * as the messages they are, with the status behind them: for each way one call from this process to itself, over a
 * pair of streams in memory, without a port. Takes some 30 ms of the first second of a server's life.
 *
 * The answer is only ever a reason to be slower: without it, messages go out one by one.
 *
 * @module
 */
import { connect } from "node:http2";
import { duplexPair } from "node:stream";
import {
  Metadata,
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServerWritableStream,
} from "@grpc/grpc-js";
import { BatchJoiner, FrameBatch, frameMessage, passThrough } from "./framing.ts";
import { type FastWays, NO_FAST_WAYS, outletOf } from "./outlet.ts";

/** A call within a process takes milliseconds; a machine that is busy with other things gets this long. */
const TIMEOUT_MS = 5_000;

let answer: Promise<FastWays> | undefined;

/** Which fast ways work here. Never rejects. */
export function fastWays(): Promise<FastWays> {
  answer ??= askBoth();
  return answer;
}

async function askBoth(): Promise<FastWays> {
  const works = (way: keyof FastWays) => trySend(way).catch(() => false);
  const [toStream, asBatch] = await Promise.all([works("toStream"), works("asBatch")]);
  return { toStream, asBatch };
}

/** One attempt, with a given response serializer. */
export async function trySend(
  way: keyof FastWays,
  responseSerialize: (value: unknown) => Buffer = passThrough,
): Promise<boolean> {
  // Different lengths, one of them 0, so that a mistake in any place shifts what follows.
  const messages = ["first", "", "the third and last"].map((text) => frameMessage(Buffer.from(text), "once"));
  const server = new Server({ "grpc.enable_channelz": 0 });
  const method: MethodDefinition<Buffer, unknown> = {
    path: "/spillway.SelfTest/Batch",
    requestStream: false,
    responseStream: true,
    requestSerialize: (bytes) => bytes,
    requestDeserialize: (bytes) => bytes,
    responseSerialize,
    responseDeserialize: (bytes) => bytes,
  };
  let completions = 0;
  server.addService(
    { Batch: method },
    {
      Batch(call: ServerWritableStream<Buffer, unknown>) {
        const batch = new FrameBatch();
        for (const message of messages) batch.add(message);
        call.sendMetadata(new Metadata());
        const outlet = outletOf(call, { ...NO_FAST_WAYS, [way]: true }, new BatchJoiner());
        outlet.write(batch, () => {
          completions++;
          process.nextTick(() => call.end());
        });
      },
    },
  );
  const [serverEnd, clientEnd] = duplexPair();
  const connections = server.createConnectionInjector(ServerCredentials.createInsecure());
  connections.injectConnection(serverEnd);
  const session = connect("http://spillway.invalid", { createConnection: () => clientEnd });
  let status: unknown;
  const received = await new Promise<Buffer | undefined>((resolve) => {
    const failed = () => resolve(undefined);
    const timer = setTimeout(failed, TIMEOUT_MS);
    const chunks: Buffer[] = [];
    session.on("error", failed);
    const request = session.request({
      ":method": "POST",
      ":path": method.path,
      "content-type": "application/grpc",
      te: "trailers",
    });
    request.on("error", failed);
    request.on("trailers", (trailers) => {
      status = trailers["grpc-status"];
    });
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("close", () => {
      clearTimeout(timer);
      resolve(Buffer.concat(chunks));
    });
    // An empty request message.
    request.end(frameMessage(new Uint8Array(0), "once"));
  });
  session.destroy();
  connections.destroy();
  serverEnd.destroy();
  clientEnd.destroy();
  server.forceShutdown();
  return completions === 1 && status === "0" && received?.equals(Buffer.concat(messages)) === true;
}
