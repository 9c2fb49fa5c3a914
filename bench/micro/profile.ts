/**
 * The hot path and nothing else, for a profiler:
 *
 *     node --cpu-prof dist/bench/micro/profile.js [--grpc] [SUBSCRIBERS] [BURST] [SECONDS]
 *
 * writes a `.cpuprofile` that Chrome's DevTools, VS Code and speedscope open. Bursts of 128-byte messages follow one
 * another, each as soon as the last subscriber has the one before. Without `--grpc` subscribers are null sinks: the
 * engine alone. With it they are HTTP/2 clients in another process, on a connection each, so that what is profiled is
 * the server. In the profile, "(program)" is native code that no JavaScript frame stands for: for a server mostly
 * nghttp2 and the sockets.
 *
 * `--heap-prof` instead of `--cpu-prof` shows where is allocated, `--prof` also shows the native code.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { Hub } from "../../src/fanout/index.ts";
import { fanoutMethod, serve } from "../../src/transport/grpc/index.ts";
import { Crowd, PAYLOAD, TOPIC } from "./crowd.ts";
import { HEADER_BYTES, rawMethod } from "./raw-method.ts";
import { StreamClients } from "./stream-clients.ts";

const { values, positionals } = parseArgs({
  options: { grpc: { type: "boolean", default: false } },
  allowPositionals: true,
});
const [subscribers = 100, burst = 16, seconds = 5] = positionals.map(Number);
if (![subscribers, burst, seconds].every((value) => value > 0)) {
  throw new RangeError(`expected numbers of subscribers, messages and seconds, got ${positionals.join(" ")}`);
}

/** Delivers one burst to all, and what gives everything back. */
interface Load {
  deliver(): Promise<void>;
  close(): Promise<void>;
}

const load = values.grpc ? await overGrpc() : await inProcess();
const until = performance.now() + seconds * 1000;
const cpuBefore = process.cpuUsage();
const began = performance.now();
let deliveries = 0;
while (performance.now() < until) {
  await load.deliver();
  deliveries += burst * subscribers;
}
const wallMs = performance.now() - began;
const { user, system } = process.cpuUsage(cpuBefore);
console.log(
  `${deliveries} deliveries: ${perDelivery(wallMs * 1e6)} ns each, ${perDelivery((user + system) * 1e3)} ns of processor time`,
);
await load.close();

function perDelivery(nanoseconds: number): string {
  return (nanoseconds / deliveries).toPrecision(3);
}

async function inProcess(): Promise<Load> {
  const crowd = new Crowd(subscribers);
  await crowd.settle();
  return { deliver: () => crowd.deliver(burst), close: () => crowd.close() };
}

async function overGrpc(): Promise<Load> {
  const hub = new Hub();
  const method = rawMethod("/bench.Profile/Subscribe");
  const served = await serve(hub, {
    listen: "127.0.0.1:0",
    fanout: false,
    longlived: false,
    drainTimeoutMs: 1,
    endGraceMs: 1,
    services(server) {
      const { definition, handler } = fanoutMethod(method, { hub, topic: () => TOPIC });
      server.addService({ Subscribe: definition }, { Subscribe: handler });
    },
  });
  const clients = await StreamClients.connect(served.address, subscribers);
  const bytesPerRound = burst * (HEADER_BYTES + PAYLOAD.byteLength);
  await clients.call({ path: method.path, perConnection: 1, bytesPerRound });
  return {
    deliver() {
      const arrived = clients.round(method.path);
      for (let message = 0; message < burst; message++) hub.publish(TOPIC, PAYLOAD);
      return arrived;
    },
    async close() {
      await clients.close();
      await served.close();
    },
  };
}
