/**
 * Subscribers as most people have them: plain grpc-js, with its own windows and buffers.
 *
 * - Live are they with the headers, which every server sends at the subscription.
 * - A call that nobody ever began to read lets HTTP/2 pour into memory without end. Here reading has begun by the time that
 *   anyone can pause, so a pause holds: 16 messages in the call, then the stream's window, 64 KB.
 * - What is closed from this side does not tell that it has ended.
 *
 * @module
 */
import { connect } from "node:http2";
import { Client, credentials, type StatusObject, status } from "@grpc/grpc-js";
import type { ClientSubscription, Listener } from "../system.ts";
import { NO_REQUEST, SUBSCRIBE } from "./grpc-contract.ts";
import { requestHeaders } from "./grpc-raw-client.ts";
import { GRPC_HEADER_BYTES, lengthHeader } from "./length-prefix.ts";
import { deliver } from "./loss-notice.ts";

/** One subscriber on a connection of its own. */
export async function subscribe(address: string, listener: Listener): Promise<ClientSubscription> {
  const [subscription] = await subscribeShared(address, [listener]);
  return subscription!;
}

/** Subscribers as streams of one connection, which closes with the last of them. */
export async function subscribeShared(
  address: string,
  listeners: readonly Listener[],
): Promise<readonly ClientSubscription[]> {
  // By default, all clients of a process share the connections to one address.
  const client = new Client(address, credentials.createInsecure(), { "grpc.use_local_subchannel_pool": 1 });
  let open = listeners.length;
  const onOver = () => {
    if (--open === 0) client.close();
  };
  return Promise.all(listeners.map((listener) => openCall(client, listener, onOver)));
}

function openCall(client: Client, listener: Listener, onOver: () => void): Promise<ClientSubscription> {
  return new Promise((resolve, reject) => {
    const { path, requestSerialize, responseDeserialize } = SUBSCRIBE;
    const call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, NO_REQUEST);
    let state: "connecting" | "live" | "closed" = "connecting";
    call.on("data", (payload: Buffer) => {
      if (state === "live") deliver(payload, listener);
    });
    // Every outcome also comes as a status.
    call.on("error", () => {});
    call.on("status", ({ code, details }: StatusObject) => {
      const reason = `${status[code]}: ${details}`;
      onOver();
      if (state === "connecting") reject(new Error(`the subscription was refused: ${reason}`));
      if (state === "live") listener.ended?.(reason);
    });
    call.on("metadata", () => {
      state = "live";
      resolve({
        pause: () => call.pause(),
        resume: () => call.resume(),
        close() {
          state = "closed";
          call.cancel();
        },
      });
    });
  });
}

/** A subscriber that no library gives: its flow-control window is 0 from the first byte on. */
export function subscribeWithoutWindow(address: string): Promise<ClientSubscription> {
  return new Promise((resolve, reject) => {
    const session = connect(`http://${address}`, { settings: { initialWindowSize: 0 } });
    session.on("error", reject);
    session.once("close", () => reject(new Error("the subscription was refused: the connection closed")));
    const stream = session.request(requestHeaders());
    stream.on("error", reject);
    stream.end(lengthHeader(GRPC_HEADER_BYTES, 0));
    stream.once("response", () =>
      resolve({
        pause() {},
        resume() {},
        close: () => session.destroy(),
      }),
    );
  });
}
