/**
 * Subscribers of Spillway's full contract that can come back with their position, at the least cost: HTTP/2 by hand, and of
 * each response only what a position needs.
 *
 * @module
 */
import { type ClientHttp2Session, connect } from "node:http2";
import type { Position } from "../../../src/protocol/index.ts";
import { loadContracts } from "../../../src/transport/grpc/contracts.ts";
import { frameFromWire, type RemoteFrame, subscribeToWire } from "../../../src/transport/grpc/wire.ts";
import type { Listener } from "../../system.ts";
import { GRPC_HEADER_BYTES, lengthHeader, lengthPrefixed } from "../../systems/length-prefix.ts";
import { Reassembler } from "../../systems/reassembler.ts";

export const TOPIC = "bench";

const { path, requestSerialize, responseDeserialize } = loadContracts().fanout.Subscribe;

export class ResumableSubscriber {
  readonly #address: string;
  readonly #listener: Listener;
  #session: ClientHttp2Session | undefined;
  #position: Position | undefined;

  constructor(address: string, listener: Listener) {
    this.#address = address;
    this.#listener = listener;
  }

  /** Goes on behind what was read before, if anything was. Resolves when the server has said where that is. */
  come(): Promise<void> {
    return new Promise((resolve, reject) => {
      const session = connect(`http://${this.#address}`);
      this.#session = session;
      const over = (reason: string): void => {
        if (this.#session !== session) return;
        reject(new Error(reason));
        this.#listener.ended?.(reason);
      };
      session.on("error", (error) => over(error.message));
      const stream = session.request({
        ":method": "POST",
        ":path": path,
        "content-type": "application/grpc",
        te: "trailers",
      });
      stream.on("error", (error) => over(error.message));
      stream.on("close", () => over("the stream was closed"));
      const cut = lengthPrefixed(GRPC_HEADER_BYTES, (bytes) => {
        const frame = frameFromWire(responseDeserialize(bytes));
        if (frame === undefined || this.#session !== session) return;
        if (frame.kind === "started") resolve();
        this.#take(frame);
      });
      stream.on("data", new Reassembler(cut).feed);
      const start = this.#position ?? "live";
      const request = requestSerialize(subscribeToWire({ patterns: [TOPIC], start }));
      stream.end(Buffer.concat([lengthHeader(GRPC_HEADER_BYTES, request.length), request]));
    });
  }

  /** Cuts the connection. What was sent and not read is lost on the way; the position knows nothing of it. */
  leave(): void {
    const session = this.#session;
    this.#session = undefined;
    session?.destroy();
  }

  #take(frame: RemoteFrame): void {
    if (frame.kind === "started" || frame.kind === "progress") this.#position = frame.position;
    if (frame.kind === "gap") this.#listener.lost?.(frame.count);
    if (frame.kind !== "message") return;
    this.#position = { epoch: this.#position!.epoch, offset: frame.offset };
    this.#listener.message(frame.payload);
  }
}
