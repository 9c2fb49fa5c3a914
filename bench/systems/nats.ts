/**
 * NATS: a server of its own, written for fan-out. This process publishes to it, and what is measured is both. Its defaults
 * hold: a client for which more than 64 MB wait, or whose socket takes nothing for 10 s, is cut off.
 *
 * @module
 */
import type { System } from "../system.ts";
import { NATS_CONNECT, NATS_PUBLISH_END, natsProtocol, natsPublish } from "./nats-protocol.ts";
import { probeProgram, startProgram } from "./program.ts";
import { connectPublisher, subscribeTcp } from "./tcp-subscriber.ts";
import { TurnBatch } from "./turn-batch.ts";

const system: System = {
  name: "nats",
  kind: "peer",
  about: "nats-server, core pub/sub",
  probe: () => probeProgram("nats-server", ["--version"], "apt-get install nats-server"),
  async start() {
    const ready = /client connections on ([\d.]+:\d+).*Server is ready/s;
    const program = await startProgram("nats-server", ["-a", "127.0.0.1", "-p", "-1"], ready);
    const address = program.ready[1]!;
    const publisher = await connectPublisher(address);
    publisher.write(NATS_CONNECT);
    const batch = new TurnBatch((bytes) => publisher.write(bytes));
    return {
      address,
      pids: [program.pid],
      publish: (payload) => batch.add(natsPublish(payload.length), payload, NATS_PUBLISH_END),
      async stop() {
        publisher.destroy();
        await program.stop();
      },
    };
  },
  subscribe: (address, listener) => subscribeTcp(address, listener, natsProtocol),
};

export default system;
