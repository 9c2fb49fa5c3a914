import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Clock } from "../../src/clock.ts";
import type { HubOptions } from "../../src/fanout/index.ts";
import { type Client, connect } from "../../src/transport/grpc/client/index.ts";
import type { ServeOptions } from "../../src/transport/grpc/index.ts";
import { eventually, servedHub } from "../support/grpc-served-hub.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { ValveSink } from "../support/valve-sink.ts";
import { type AdminHandlers, fakeServer } from "./fake-server.ts";

failOnLeaks();

/** A client of a hub that is served. */
async function served(t: TestContext, options: ServeOptions = { admin: {} }, hubOptions: HubOptions = {}) {
  const { hub, address } = await servedHub(t, options, hubOptions);
  const client = connect(address);
  t.after(() => client.close());
  return { hub, client };
}

/** A client of a server that does what the test says. */
async function faked(t: TestContext, admin: AdminHandlers): Promise<Client> {
  const server = await fakeServer({ admin });
  const client = connect(server.address);
  t.after(() => {
    client.close();
    server.die();
  });
  return client;
}

test("lists subscriptions, over as many responses as it takes", async (t) => {
  const { hub, client } = await served(t);
  for (let n = 0; n < 70; n++) {
    hub.attach({ patterns: ["a"], clientName: `c${n % 2}` }, new ValveSink(), {});
  }
  const all = await client.admin.list({ windowMs: 0 });
  assert.deepEqual([all.total, all.subscriptions.length], [70, 70]);
  const some = await client.admin.list({ windowMs: 0, clientNamePrefix: "c1", limit: 3 });
  assert.deepEqual([some.total, some.subscriptions.length], [35, 3]);
  for (const { clientName, rates } of some.subscriptions)
    assert.deepEqual([clientName, rates], ["c1", undefined]);
});

test("tells the books, with rates if they are wanted", async (t) => {
  const { hub, client } = await served(t);
  hub.publish("a", "x");
  const { published, rates } = await client.admin.stats({ windowMs: 1 });
  assert.equal(published, 1);
  assert.deepEqual([rates?.published, (rates?.windowMs ?? 0) >= 1], [0, true]);
  assert.equal((await client.admin.stats({ windowMs: 0 })).rates, undefined);
});

test("evicts, and tells what it was; there is none the second time", async (t) => {
  const { hub, client } = await served(t);
  const sink = new ValveSink();
  const { id } = hub.attach({ patterns: ["a"], clientName: "me" }, sink, {});
  const { clientName } = await client.admin.evict(id, { detail: "sorry" });
  assert.equal(clientName, "me");
  await eventually(() => sink.ended?.detail === "an operator of the server ended it: sorry");
  await assert.rejects(client.admin.evict(id), { code: "ID_UNKNOWN", reason: "id-unknown" });
});

test("shows the configuration that the server shows", async (t) => {
  const { client } = await served(t, { admin: { effectiveConfig: () => "hub: {}" } });
  assert.equal(await client.admin.config(), "hub: {}");
});

test("a server without the service is told from all else by its reason", async (t) => {
  const { client } = await served(t, {});
  const refusal = { code: "ENDED", reason: "UNIMPLEMENTED", message: /does not offer this service/ };
  for (const asked of [
    client.admin.list(),
    client.admin.stats(),
    client.admin.evict("x"),
    client.admin.config(),
  ]) {
    await assert.rejects(asked, refusal);
  }
});

test("a refusal names the field", async (t) => {
  const { client } = await served(t);
  await assert.rejects(client.admin.list({ limit: 10_001 }), { code: "REQUEST_INVALID", field: "limit" });
  await assert.rejects(client.admin.list({ topicPattern: ".." }), {
    code: "PATTERN_INVALID",
    field: "topic_pattern",
  });
});

test("a caller that gives up gets its own reason, and the server stops looking", async (t) => {
  const hand = new ManualClock();
  const clock: Clock = {
    now: () => hand.now(),
    unixMs: () => hand.unixMs(),
    every: (ms, run) => hand.every(ms, run),
    after: (ms, run) => hand.after(ms, run),
    soon: (run) => void setImmediate(run),
  };
  const { client } = await served(t, { admin: { clock } });
  for (const ask of [
    (signal: AbortSignal) => client.admin.list({ windowMs: 60_000, signal }),
    (signal: AbortSignal) => client.admin.stats({ windowMs: 60_000, signal }),
  ]) {
    const controller = new AbortController();
    const asked = ask(controller.signal);
    await eventually(() => hand.timers === 1);
    controller.abort(new Error("enough"));
    await assert.rejects(asked, { message: "enough" });
    await eventually(() => hand.timers === 0);
    await assert.rejects(ask(AbortSignal.abort(new Error("from the start"))), { message: "from the start" });
  }
});

test("the time limit begins behind the window", async (t) => {
  const deadlines: number[] = [];
  const client = await faked(t, {
    ListSubscriptions(call) {
      deadlines.push(Number(call.getDeadline()) - Date.now());
      call.end();
    },
    GetStats(call, done) {
      deadlines.push(Number(call.getDeadline()) - Date.now());
      done(null, {});
    },
  });
  await client.admin.list({ windowMs: 60_000, timeoutMs: 600_000 });
  await client.admin.stats({ windowMs: 60_000, timeoutMs: 600_000 });
  // Clocks do not differ here, but looking at them takes time.
  for (const ms of deadlines) assert.ok(ms > 600_000 && ms <= 661_000, `${ms} ms`);
  assert.equal(deadlines.length, 2);
});

test("no server is UNREACHABLE, a closed client CLOSED, also in the middle of a call", async (t) => {
  const gone = await fakeServer({});
  gone.die();
  const nobody = connect(gone.address);
  await assert.rejects(nobody.admin.list(), { code: "UNREACHABLE" });
  nobody.close();
  await assert.rejects(nobody.admin.list(), { code: "CLOSED" });
  await assert.rejects(nobody.admin.stats(), { code: "CLOSED" });

  const arrived: string[] = [];
  const client = await faked(t, {
    ListSubscriptions: () => void arrived.push("list"),
    GetStats: () => void arrived.push("stats"),
  });
  const asked = [client.admin.list(), client.admin.stats()].map((each) => each.catch((error) => error));
  await eventually(() => arrived.length === 2);
  client.close();
  for (const error of await Promise.all(asked)) assert.equal(error.code, "CLOSED");
});

test("an answer that cannot be read is an error, once and for all", async (t) => {
  const beyond = "9007199254740993";
  const client = await faked(t, {
    ListSubscriptions(call) {
      call.write({ total: beyond });
      call.end();
    },
    GetStats: (_, done) => done(null, { stats: { published: beyond } }),
    Evict: (_, done) => done(null, { subscription: { lagMs: beyond } }),
  });
  for (const asked of [client.admin.list(), client.admin.stats(), client.admin.evict("x")]) {
    await assert.rejects(asked, { code: "ENDED", reason: "INTERNAL", message: /9007199254740993/ });
  }
});
