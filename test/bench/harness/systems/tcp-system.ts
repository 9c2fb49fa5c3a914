/**
 * A system for testing the harness: length-prefixed payloads over TCP, one socket per subscriber, nobody waits for
 * anybody. What a fault does to the payloads of the first subscriber is the test's business.
 *
 * @module
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { ServerCounters, System, SystemKind } from "../../../../bench/system.ts";
import { lengthHeader, lengthPrefixed } from "../../../../bench/systems/length-prefix.ts";
import { deliver, lossNotice } from "../../../../bench/systems/loss-notice.ts";
import { Reassembler } from "../../../../bench/systems/reassembler.ts";

export interface Fault {
  readonly kind?: SystemKind;
  /** What the first subscriber gets instead of the payload numbered so. Warm-up is not touched. */
  readonly corrupt?: (payload: Uint8Array, sequence: number) => readonly Uint8Array[];
  /** Called for every payload of the measured time, before it is sent. */
  readonly onPublish?: (sequence: number) => void;
  readonly counters?: () => ServerCounters;
}

const HEADER_BYTES = 4;

export function tcpSystem(name: string, { kind = "ours", corrupt, onPublish, counters }: Fault = {}): System {
  return {
    name,
    kind,
    about: "a system for tests",
    probe: async () => ({ version: "1" }),
    async start() {
      const sockets: Socket[] = [];
      const server = createServer((socket) => {
        socket.on("error", () => {});
        socket.setNoDelay(true);
        socket.write(framed(Buffer.alloc(0)));
        sockets.push(socket);
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      return {
        address: String((server.address() as AddressInfo).port),
        publish(payload) {
          const sequence = Buffer.from(payload.buffer, payload.byteOffset).readUInt32LE(8);
          if (sequence === 0xffff_ffff) {
            for (const socket of sockets) socket.write(framed(payload));
            return;
          }
          onPublish?.(sequence);
          const all = framed(payload);
          sockets.forEach((socket, index) => {
            const payloads = index === 0 ? corrupt?.(payload, sequence) : undefined;
            if (payloads === undefined) socket.write(all);
            else for (const one of payloads) socket.write(framed(one));
          });
        },
        ...(counters === undefined ? {} : { counters }),
        async stop() {
          for (const socket of sockets) socket.destroy();
          server.close();
        },
      };
    },
    async subscribe(address, listener) {
      const socket = connect(Number(address), "127.0.0.1");
      socket.on("error", () => {});
      let closed = false;
      socket.on("close", () => {
        if (!closed) listener.ended?.("the connection closed");
      });
      await new Promise<void>((resolve) => {
        const cut = lengthPrefixed(HEADER_BYTES, (payload) => {
          // The first, empty one says that the subscriber is live.
          if (payload.length === 0) resolve();
          else deliver(payload, listener);
        });
        socket.on("data", new Reassembler(cut).feed);
      });
      return {
        pause: () => void socket.pause(),
        resume: () => void socket.resume(),
        close() {
          closed = true;
          socket.destroy();
        },
      };
    },
  };
}

export { lossNotice };

function framed(payload: Uint8Array): Buffer {
  return Buffer.concat([lengthHeader(HEADER_BYTES, payload.length), payload]);
}
