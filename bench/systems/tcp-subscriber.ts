/**
 * A subscriber at the end of a plain socket, for the protocols that are spoken by hand.
 *
 * @module
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { ClientSubscription, Listener } from "../system.ts";
import { type Cut, Reassembler } from "./reassembler.ts";

export interface TcpProtocol {
  /** What it says first, when connected. */
  readonly hello?: string;
  /**
   * How to read what comes. `live` is to be called when what is published from now on is for this subscriber, `refused` when
   * that will not be; `answer` says something back.
   */
  cut(events: {
    readonly listener: Listener;
    readonly live: () => void;
    readonly refused: (reason: string) => void;
    readonly answer: (text: string) => void;
  }): Cut;
}

/** @param address - `HOST:PORT` */
export function subscribeTcp(
  address: string,
  listener: Listener,
  protocol: TcpProtocol,
): Promise<ClientSubscription> {
  return new Promise((resolve, reject) => {
    const socket = connectTo(address);
    let state: "connecting" | "live" | "over" = "connecting";
    const over = (reason: string): void => {
      if (state === "connecting") reject(new Error(`the subscription was refused: ${reason}`));
      if (state === "live") listener.ended?.(reason);
      state = "over";
      socket.destroy();
    };
    const live = () => {
      if (state !== "connecting") return;
      state = "live";
      resolve({
        pause: () => socket.pause(),
        resume: () => socket.resume(),
        close() {
          state = "over";
          socket.destroy();
        },
      });
    };
    const answer = (text: string) => void socket.write(text);
    socket.on("data", new Reassembler(protocol.cut({ listener, live, refused: over, answer })).feed);
    socket.on("error", (error) => over(error.message));
    socket.once("close", () => over("the connection closed"));
    if (protocol.hello !== undefined) socket.write(protocol.hello);
  });
}

/**
 * The publisher's connection to a server of its own. What the server answers is read and forgotten; when it goes away, the
 * subscribers show it.
 *
 * @param address - `HOST:PORT`
 */
export async function connectPublisher(address: string): Promise<Socket> {
  const socket = connectTo(address);
  await once(socket, "connect");
  socket.on("error", () => {});
  return socket.resume();
}

function connectTo(address: string): Socket {
  const [host, port] = address.split(":");
  return connect({ host: host!, port: Number(port), noDelay: true });
}
