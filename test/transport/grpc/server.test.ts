import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { credentials, type MethodDefinition, ServerCredentials, status } from "@grpc/grpc-js";
import { service as healthService } from "grpc-health-check";
import { SpillwayError } from "../../../src/errors.ts";
import { Hub } from "../../../src/fanout/index.ts";
import { loadContracts, type SpillwayServer, serve } from "../../../src/transport/grpc/index.ts";
import { readStatus } from "../../../src/transport/grpc/status.ts";
import { callUnary, grpcClient, openStream } from "../../support/grpc-calls.ts";
import { cuttableProxy } from "../../support/grpc-cuttable-proxy.ts";
import { rawClient } from "../../support/grpc-raw-client.ts";
import { assertBalanced, eventually, servedHub } from "../../support/grpc-served-hub.ts";

const { fanout, longlived } = loadContracts();
const health = healthService as unknown as Record<
  "check" | "watch",
  MethodDefinition<{ service: string }, { status: string }>
>;
const check = (healthService.check ?? healthService.Check) as typeof health.check;
const watch = (healthService.watch ?? healthService.Watch) as typeof health.watch;
const REQUEST = Buffer.from(fanout.Subscribe.requestSerialize({ patterns: ["t"] }));

async function closes(served: SpillwayServer): Promise<void> {
  await served.close();
  assertBalanced(served.hub);
}

test("both services answer on the port that the address names", async (t) => {
  const { client, address, served, hub } = await servedHub(t);
  assert.equal(address, `127.0.0.1:${served.port}`);
  assert.equal(served.hub, hub);
  const full = openStream(client, fanout.Subscribe, { patterns: ["longlived"] });
  const simple = openStream(client, longlived.Subscribe, { id: 1 });
  await Promise.all([full.live, simple.live]);
  hub.publish("longlived", "to both");
  await Promise.all([full.take(2), simple.take(1)]);
});

test("a service that is left out is UNIMPLEMENTED", async (t) => {
  const { client } = await servedHub(t, { longlived: false });
  assert.equal((await openStream(client, longlived.Subscribe, { id: 1 }).status).code, status.UNIMPLEMENTED);
});

test("health checks know the server and both services", async (t) => {
  const { client } = await servedHub(t);
  for (const service of ["", "spillway.v1.Fanout", "protos.Longlived"]) {
    assert.deepEqual({ ...(await callUnary(client, check, { service })) }, { status: "SERVING" });
  }
  await assert.rejects(callUnary(client, check, { service: "other" }), { code: status.NOT_FOUND });
});

test("health watchers see NOT_SERVING as soon as the server begins to close", async (t) => {
  const { client, served } = await servedHub(t);
  const stream = openStream(client, watch, { service: "" });
  await stream.take(1);
  const closed = served.close();
  const statuses = (await stream.take(2)).map((update) => update.status);
  assert.deepEqual(statuses, ["SERVING", "NOT_SERVING"]);
  await closed;
});

test("a port in use is one clear error, and nothing is left behind", async () => {
  const holder = createServer().listen(0, "127.0.0.1");
  await once(holder, "listening");
  const { port } = holder.address() as { port: number };
  const hub = new Hub();
  const noise: string[] = [];
  const error = console.error;
  console.error = (...args: unknown[]) => void noise.push(args.join(" "));
  try {
    await assert.rejects(
      serve(hub, { listen: `127.0.0.1:${port}` }),
      (failure) =>
        failure instanceof SpillwayError &&
        failure.code === "ADDRESS_UNAVAILABLE" &&
        failure.message.includes(`127.0.0.1:${port}`) &&
        /in use; stop the other process, or choose another port/.test(failure.message),
    );
  } finally {
    console.error = error;
  }
  assert.deepEqual(noise, []);
  holder.close();
  await once(holder, "close");
  // Now that it is free, the same hub can be served there.
  await closes(await serve(hub, { listen: `127.0.0.1:${port}` }));
});

for (const [what, listen, code] of [
  ["an address of another machine", "192.0.2.1:0", "ADDRESS_UNAVAILABLE"],
  ["a host that does not exist", "no-such-host.invalid:0", "ADDRESS_UNAVAILABLE"],
  ["text that is no address", "7070", "ADDRESS_INVALID"],
] as const) {
  test(`${what} is refused with ${code}`, async () => {
    await assert.rejects(
      serve(new Hub(), { listen }),
      (error) => error instanceof SpillwayError && error.code === code,
    );
  });
}

test("a wrong option is refused before anything listens", async () => {
  await assert.rejects(serve(new Hub(), { drainTimeoutMs: Number.NaN }), /RangeError: drainTimeoutMs/);
  await assert.rejects(serve(new Hub(), { keepaliveTimeMs: -1 }), /RangeError: keepaliveTimeMs/);
  await assert.rejects(serve(new Hub(), { endGraceMs: Infinity }), /RangeError: endGraceMs/);
});

test("a fault in the services hook reaches the caller, and nothing listens", async () => {
  const services = () => {
    throw new Error("mine");
  };
  await assert.rejects(serve(new Hub(), { listen: "127.0.0.1:0", services }), /mine/);
});

test("an IPv6 address is served and named in brackets", async (t) => {
  const { client, address } = await servedHub(t, { listen: "[::1]:0" });
  assert.match(address, /^\[::1\]:\d+$/);
  await openStream(client, fanout.Subscribe, { patterns: ["t"] }).take(1);
});

test("with credentials, messages travel over TLS and a client without is refused", async (t) => {
  const { key, certificate } = selfSigned(t);
  const { hub, address } = await servedHub(t, {
    credentials: ServerCredentials.createSsl(null, [{ private_key: key, cert_chain: certificate }]),
  });
  const secure = grpcClient(t, address.replace("127.0.0.1", "localhost"), credentials.createSsl(certificate));
  const stream = openStream(secure, fanout.Subscribe, { patterns: ["t"] });
  await stream.take(1);
  hub.publish("t", "in private");
  await stream.take(2);
  const plain = await openStream(grpcClient(t, address), fanout.Subscribe, { patterns: ["t"] }).status;
  assert.equal(plain.code, status.UNAVAILABLE);
});

function selfSigned(t: TestContext): { key: Buffer; certificate: Buffer } {
  const folder = mkdtempSync(join(tmpdir(), "spillway-tls-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const [key, certificate] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"];
  execFileSync("openssl", ["req", "-x509", ...curve, "-keyout", key, "-out", certificate, ...subject], {
    stdio: "ignore",
  });
  return { key: readFileSync(key), certificate: readFileSync(certificate) };
}

test("a client that vanishes without a word is found out by keepalive", async (t) => {
  const { hub, served } = await servedHub(t, { keepaliveTimeMs: 100, keepaliveTimeoutMs: 1_000 });
  const proxy = await cuttableProxy(t, served.port);
  const stream = openStream(grpcClient(t, proxy.address), fanout.Subscribe, { patterns: ["t"] });
  await stream.take(1);
  proxy.cut();
  await eventually(() => hub.stats().ended.cancelled === 1);
});

test("a connection that is no HTTP/2 harms nobody", async (t) => {
  const { client, served, hub } = await servedHub(t);
  const stream = openStream(client, fanout.Subscribe, { patterns: ["t"] });
  await stream.take(1);
  const { connect } = await import("node:net");
  const stranger = connect(served.port, "127.0.0.1");
  stranger.on("error", () => {});
  stranger.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  stranger.resume();
  await once(stranger, "close");
  hub.publish("t", "still here");
  await stream.take(2);
});

test("closing a server that nobody uses takes no time and can be asked for twice", async () => {
  const served = await serve(new Hub(), { listen: "127.0.0.1:0" });
  const first = served.close();
  assert.equal(served.close(), first);
  await first;
  await served[Symbol.asyncDispose]();
  await assert.rejects(once(await knock(served.port), "connect"), { code: "ECONNREFUSED" });
});

async function knock(port: number) {
  const { connect } = await import("node:net");
  return connect(port, "127.0.0.1");
}

test("a shutdown with stalled clients drains the healthy, refuses the new, and ends", async (t) => {
  const { hub, served, client, address } = await servedHub(t, { drainTimeoutMs: 1_500, endGraceMs: 50 });
  const healthy = Array.from({ length: 10 }, () => openStream(client, fanout.Subscribe, { patterns: ["t"] }));
  await Promise.all(healthy.map((stream) => stream.take(1)));
  const frozen = await rawClient(t, address, { window: 0 });
  const stalled = Array.from({ length: 10 }, () => frozen.call(fanout.Subscribe.path, REQUEST));
  await Promise.all(stalled.map(({ headers }) => headers));
  for (let i = 0; i < 5; i++) hub.publish("t", `message ${i}`);
  const closed = served.close();
  const refused = await openStream(grpcClient(t, address), fanout.Subscribe, { patterns: ["t"] }).status;
  assert.equal(refused.code, status.UNAVAILABLE);
  assert.equal(readStatus(refused).reason, "draining");
  for (const stream of healthy) {
    const end = await stream.status;
    assert.equal(end.code, status.UNAVAILABLE);
    assert.equal(readStatus(end).reason, "draining");
    const messages = stream.received.filter(({ message }) => message != null);
    assert.equal(messages.length, 5, "what was queued has come");
  }
  await closed;
  await Promise.all(stalled.map((call) => call.closed));
  assert.equal(hub.stats().ended.draining, 20);
});

test("a shutdown does not wait for a connection that is dead without anybody knowing", async (t) => {
  const { served, hub } = await servedHub(t, { drainTimeoutMs: 50, endGraceMs: 20 });
  const proxy = await cuttableProxy(t, served.port);
  const stream = openStream(grpcClient(t, proxy.address), fanout.Subscribe, { patterns: ["t"] });
  await stream.take(1);
  proxy.cut();
  // Enough to fill what lies between here and there, so that a write is under way.
  for (let i = 0; i < 64; i++) hub.publish("t", new Uint8Array(256 * 1024));
  await closes(served);
});

test("a shutdown does not wait for clients that only hold a connection, or a health watch", async (t) => {
  const { served, client, address } = await servedHub(t, { endGraceMs: 20 });
  const idle = await rawClient(t, address);
  await openStream(client, watch, { service: "" }).take(1);
  await closes(served);
  if (!idle.session.destroyed) await once(idle.session, "close");
});
