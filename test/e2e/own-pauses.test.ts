/** A server whose own event loop is blocked: nobody else is blamed for it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { failOnLeaks } from "../support/leaks.ts";
import type { ServerOrder, ServerSpec } from "./programs/server.ts";
import { client } from "./support/client-process.ts";

failOnLeaks();

const CLIENTS = 5;
/**
 * Each time, everybody's write is on its way. All of it together fits into the window of a stream, so that no client
 * need be quick for a write to be done.
 */
const PAUSES = 3;
const PER_PAUSE = 100;
const PAUSE_MS = 2_000;

test("a server that blocks its own event loop for longer than any stall may take calls nobody stalled, evicts nobody and loses nothing", async (t) => {
  const spec: ServerSpec = {
    listen: "127.0.0.1:0",
    hub: {
      stallTimeoutMs: 1_000,
      minBytesPerSecond: 1024 * 1024,
      newcomerGraceMs: 0,
      escalation: [{ when: { stalledForMs: 0 }, policy: "evict" }],
    },
  };
  const server = client(t, "server", "server", spec);
  const tell = (order: ServerOrder) => server.tell(order);
  const { address } = await server.first("listening");
  const clients = Array.from({ length: CLIENTS }, (_, n) =>
    client(t, "subscriber", `client ${n}`, { address, request: { patterns: ["load.*"] } }),
  );
  await Promise.all(clients.map((each) => each.first("started")));

  for (let pause = 1; pause <= PAUSES; pause++) {
    tell({ order: "publish", topics: ["load.a", "load.b"], count: PER_PAUSE, thenBlockMs: PAUSE_MS });
    await Promise.all(clients.map((each) => each.reached(pause * PER_PAUSE)));
    // Timers that are due run before the next order is read: the watch has looked by then.
    tell({ order: "stats" });
    await server.until("its statistics", () => server.entries("stats").length === pause);
  }
  for (const { ended, subscribers } of server.entries("stats")) {
    assert.deepEqual(ended, {});
    assert.deepEqual(
      subscribers.toSorted((a, b) => (a.clientName ?? "").localeCompare(b.clientName ?? "")),
      clients.map(({ name }) => ({ clientName: name, stalls: 0, rung: 0 })),
    );
  }
  for (const each of clients) {
    assert.deepEqual(
      each.entries("message").map(({ offset }) => offset),
      Array.from({ length: PAUSES * PER_PAUSE }, (_, n) => n + 1),
    );
    for (const kind of ["gap", "state", "end"] as const) assert.deepEqual(each.entries(kind), []);
  }
});
