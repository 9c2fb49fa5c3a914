/**
 * A subscriber that costs next to nothing per message, for measuring a server's CPU time beside it on the same machine:
 * HTTP/2 by hand, windows so large that they never close while it reads, and no work but to find where a message ends.
 * Where it is paused, its window hides a megabyte: not for measuring how a server treats slow ones.
 *
 * @module
 */
import { type ClientHttp2Session, connect, type OutgoingHttpHeaders } from "node:http2";
import type { ClientSubscription, Listener } from "../system.ts";
import { SUBSCRIBE } from "./grpc-contract.ts";
import { GRPC_HEADER_BYTES, lengthHeader, lengthPrefixed } from "./length-prefix.ts";
import { deliver } from "./loss-notice.ts";
import { Reassembler } from "./reassembler.ts";

const WINDOW_BYTES = 1 << 20;

export function requestHeaders(): OutgoingHttpHeaders {
  return { ":method": "POST", ":path": SUBSCRIBE.path, "content-type": "application/grpc", te: "trailers" };
}

/** One subscriber on a connection of its own. Resolves with the headers of the answer. */
export function subscribeRaw(address: string, listener: Listener): Promise<ClientSubscription> {
  return new Promise((resolve, reject) => {
    let state: "connecting" | "live" | "closed" = "connecting";
    const session = connect(`http://${address}`, { settings: { initialWindowSize: WINDOW_BYTES } });
    const over = (reason: string): void => {
      if (state === "connecting") reject(new Error(`the subscription was refused: ${reason}`));
      if (state === "live") listener.ended?.(reason);
      state = "closed";
      session.destroy();
    };
    session.once("connect", () => session.setLocalWindowSize(WINDOW_BYTES));
    session.on("error", (error) => over(error.message));
    session.once("close", () => over("the connection closed"));
    const stream = openStream(session, over);
    stream.on(
      "data",
      new Reassembler(lengthPrefixed(GRPC_HEADER_BYTES, (one) => deliver(one, listener))).feed,
    );
    stream.once("response", (headers) => {
      // A refusal has its status where otherwise the answer begins.
      if (headers["grpc-status"] !== undefined) {
        over(`status ${headers["grpc-status"]}: ${headers["grpc-message"]}`);
        return;
      }
      if (state !== "connecting") return;
      state = "live";
      resolve({
        pause: () => stream.pause(),
        resume: () => stream.resume(),
        close() {
          state = "closed";
          session.destroy();
        },
      });
    });
  });
}

function openStream(session: ClientHttp2Session, over: (reason: string) => void) {
  const stream = session.request(requestHeaders());
  stream.on("error", (error) => over(error.message));
  stream.once("trailers", (trailers) => over(`status ${trailers["grpc-status"]}`));
  stream.once("close", () => over(`the stream closed with code ${stream.rstCode}`));
  stream.end(lengthHeader(GRPC_HEADER_BYTES, 0));
  return stream;
}
