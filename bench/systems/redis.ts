/**
 * Redis pub/sub: a server of its own. This process publishes to it, and what is measured is both. Its defaults hold: a
 * subscriber for which more than 32 MB wait, or more than 8 MB for a minute, is cut off. Nothing is stored.
 *
 * @module
 */
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import type { System } from "../system.ts";
import { probeProgram, type RunningProgram, startProgram } from "./program.ts";
import { REDIS_PUBLISH_END, redisProtocol, redisPublish } from "./redis-protocol.ts";
import { connectPublisher, subscribeTcp } from "./tcp-subscriber.ts";
import { TurnBatch } from "./turn-batch.ts";

const system: System = {
  name: "redis",
  kind: "peer",
  about: "redis-server, pub/sub",
  probe: () => probeProgram("redis-server", ["--version"], "apt-get install redis-server"),
  async start() {
    const { address, program } = await startOnFreePort();
    const publisher = await connectPublisher(address);
    const batch = new TurnBatch((bytes) => publisher.write(bytes));
    return {
      address,
      pids: [program.pid],
      publish: (payload) => batch.add(redisPublish(payload.length), payload, REDIS_PUBLISH_END),
      async stop() {
        publisher.destroy();
        await program.stop();
      },
    };
  },
  subscribe: (address, listener) => subscribeTcp(address, listener, redisProtocol),
};

export default system;

const ATTEMPTS = 5;

/** To Redis, port 0 is none at all. So one is looked for, and another one if somebody was faster. */
async function startOnFreePort(): Promise<{ address: string; program: RunningProgram }> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const settings = ["--bind", "127.0.0.1", "--port", String(port), "--save", "", "--appendonly", "no"];
    try {
      const program = await startProgram("redis-server", settings, /Ready to accept connections/);
      return { address: `127.0.0.1:${port}`, program };
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
