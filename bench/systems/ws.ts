/**
 * WebSocket by the package `ws`: one `send` per message and subscriber, no compression. Nobody is waited for and nothing is
 * dropped.
 *
 * The package is loaded when it is needed, so that its absence is a row that says so and not the end of the run.
 *
 * @module
 */
import { once } from "node:events";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import type { System } from "../system.ts";

const system: System = {
  name: "ws",
  kind: "peer",
  about: "WebSocket (ws), one send per message and subscriber, no bound",
  async probe() {
    try {
      const { version } = createRequire(import.meta.url)("ws/package.json") as { version: string };
      return { version: `ws ${version}` };
    } catch {
      return { unavailable: "the package ws is not installed: npm install ws" };
    }
  },
  async start() {
    const { WebSocketServer } = await import("ws");
    const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
    // A connection that its client cut is no news.
    server.on("connection", (socket) => socket.on("error", () => {}));
    await once(server, "listening");
    return {
      address: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
      publish(payload) {
        for (const socket of server.clients) {
          if (socket.readyState === socket.OPEN) socket.send(payload);
        }
      },
      async stop() {
        for (const socket of server.clients) socket.terminate();
        await new Promise((resolve) => server.close(resolve));
      },
    };
  },
  async subscribe(address, listener) {
    const { WebSocket } = await import("ws");
    const socket = new WebSocket(address, { perMessageDeflate: false });
    let closed = false;
    // In front of the wait: the first message can come in the same chunk as the answer that opens it.
    socket.on("message", (payload: Buffer) => {
      if (!closed) listener.message(payload);
    });
    await once(socket, "open");
    socket.on("error", () => {});
    socket.on("close", (code) => {
      if (!closed) listener.ended?.(`closed with code ${code}`);
    });
    return {
      pause: () => socket.pause(),
      resume: () => socket.resume(),
      close() {
        closed = true;
        socket.terminate();
      },
    };
  },
};

export default system;
