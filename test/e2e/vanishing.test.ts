/**
 * Clients that go without a word, and clients that stay without taking anything: what they held in the server is
 * free afterwards, by the books of the hub, of grpc-js and of the process.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { cuttableProxy } from "../support/grpc-cuttable-proxy.ts";
import { eventually, servedHub } from "../support/grpc-served-hub.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { assertComplete } from "./support/checker.ts";
import { client } from "./support/client-process.ts";
import { History } from "./support/history.ts";
import { arrayBuffersHeld } from "./support/memory.ts";
import { opens } from "./support/server-streams.ts";

failOnLeaks();

const request = { patterns: ["load.*"] };
const MIB = 1024 * 1024;

test("a client killed with SIGKILL is gone, with all that was queued and under way for it", async (t) => {
  const { hub, served, address } = await servedHub(
    t,
    {},
    { queue: { bytes: 32 * MIB }, maxQueue: { bytes: 32 * MIB }, escalation: [] },
  );
  const healthy = client(t, "subscriber", "healthy", { address, request });
  const victim = client(t, "subscriber", "victim", { address, request });
  await Promise.all([healthy.first("started"), victim.first("started")]);
  const history = new History(hub);
  const before = arrayBuffersHeld();
  victim.freeze();
  for (let n = 0; n < 24; n++) await healthy.reached(history.publish("load.a", MIB - 100));
  assert.ok(arrayBuffersHeld() > before + 16 * MIB, "something is held for it");
  victim.kill();
  await eventually(() => hub.stats().ended.cancelled === 1);
  await opens(served.server, { connections: 1, streams: 1 });
  assert.ok(arrayBuffersHeld() < before + 4 * MIB, "nothing is held for it any more");
  await healthy.reached(history.publish("load.b", 10));
  assertComplete(healthy.journal, history.under("load."));
});

test("a connection that carries nothing any more is found out by keepalive, idle or with a write under way", async (t) => {
  const { hub, served, address } = await servedHub(
    t,
    { keepaliveTimeMs: 1_000, keepaliveTimeoutMs: 1_000 },
    // Without progress the idle one is never written to: nothing but the end of its connection gives it away.
    { escalation: [], progressIntervalMs: 3_600_000 },
  );
  const healthy = client(t, "subscriber", "healthy", { address, request });
  const proxy = await cuttableProxy(t, served.port);
  const idle = client(t, "subscriber", "idle", {
    address: proxy.address,
    request: { patterns: ["nothing"] },
  });
  const busy = client(t, "subscriber", "busy", { address: proxy.address, request });
  await Promise.all([healthy, idle, busy].map((each) => each.first("started")));
  proxy.cut();
  const history = new History(hub);
  for (let n = 0; n < 100; n++) await healthy.reached(history.publish("load.a", 8192));
  await eventually(() => hub.stats().ended.cancelled === 2);
  await opens(served.server, { connections: 1, streams: 1 });
  await healthy.reached(history.publish("load.b", 10));
  assertComplete(healthy.journal, history.under("load."));
  assert.equal(idle.isGone || busy.isGone, false, "they are alive; only the wire is dead");
});

test("clients that take nothing but answer PINGs are evicted, and their streams and buffers are free within the grace", async (t) => {
  const { hub, served, address } = await servedHub(
    t,
    { keepaliveTimeMs: 200, keepaliveTimeoutMs: 5_000, endGraceMs: 100 },
    {
      stallTimeoutMs: 0,
      minBytesPerSecond: 1024 * MIB,
      newcomerGraceMs: 0,
      escalation: [{ when: { stalledForMs: 500 }, policy: "evict" }],
      queue: { bytes: 8 * MIB },
    },
  );
  const healthy = client(t, "subscriber", "healthy", { address, request });
  const windowless = [1, 2, 3].map((n) =>
    client(t, "windowless-subscriber", `windowless ${n}`, { address, request }),
  );
  await Promise.all([healthy, ...windowless].map((each) => each.first("live")));
  const before = arrayBuffersHeld();
  const history = new History(hub);
  // The first one of these is under way to each of them, and the others wait.
  for (let n = 0; n < 6; n++) await healthy.reached(history.publish("load.a", MIB - 100));
  await eventually(() => hub.stats().ended.stalled === windowless.length);
  await opens(served.server, { connections: 4, streams: 1 });
  assert.ok(arrayBuffersHeld() < before + 2 * MIB, "nothing is held for them");
  for (const each of windowless) {
    const { reset } = await each.first("end");
    assert.equal(reset, 11, "they are told to calm down, on a connection that goes on");
    assert.equal(each.isGone, false);
  }
  await healthy.reached(history.publish("load.b", 10));
  assertComplete(healthy.journal, history.under("load."));
});
