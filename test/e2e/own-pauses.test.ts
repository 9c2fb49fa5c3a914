/**
 * A server whose own event loop is blocked while writes are on their way: nobody else is blamed for it.
 *
 * These writes are old because their clients were frozen for a moment. The clients go on while the server is blocked;
 * that they did is what it finds when it looks again, and by then its own clock says that they took far too long.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { failOnLeaks } from "../support/leaks.ts";
import type { ServerOrder, ServerSpec } from "./programs/server.ts";
import { client } from "./support/client-process.ts";

failOnLeaks();

const STALL_TIMEOUT_MS = 1_000;
const BLOCK_MS = 2_000;

test("a server that blocks its own event loop for longer than any stall may take calls nobody stalled, evicts nobody and loses nothing", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "spillway-pause-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const spec: ServerSpec = {
    listen: "127.0.0.1:0",
    hub: {
      queue: { messages: 10_000, bytes: 16 * 1024 * 1024 },
      stallTimeoutMs: STALL_TIMEOUT_MS,
      minBytesPerSecond: 16 * 1024 * 1024,
      newcomerGraceMs: 0,
      escalation: [{ when: { stalledForMs: 0 }, policy: "evict" }],
    },
  };
  const server = client(t, "server", "server", spec);
  const { address } = await server.first("listening");
  const clients = [1, 2, 3].map((n) =>
    client(t, "subscriber", `client ${n}`, { address, request: { patterns: ["load.*"] } }),
  );
  await Promise.all(clients.map((each) => each.first("started")));

  for (const each of clients) each.freeze();
  const order: ServerOrder = {
    order: "block",
    topics: ["load.a", "load.b"],
    // Several times what a frozen client's window takes.
    count: 300,
    ms: BLOCK_MS,
    file: join(folder, "go on"),
  };
  server.tell(order);
  const { confirmed, published } = await server.first("blocking");
  assert.ok(confirmed < published, "writes are on their way");
  for (const each of clients) each.thaw();
  // They have taken what there is before the server looks, however long that takes them.
  await Promise.all(clients.map((each) => each.reached(confirmed)));
  writeFileSync(order.file, "");

  // Who is evicted gets there too, in its way: the statistics are to say so.
  await Promise.all(clients.map((each) => Promise.race([each.reached(published), each.first("end")])));
  server.tell({ order: "stats" } satisfies ServerOrder);
  const { ended, subscribers } = await server.first("stats");
  assert.deepEqual(ended, {});
  assert.deepEqual(
    subscribers.toSorted((a, b) => (a.clientName ?? "").localeCompare(b.clientName ?? "")),
    clients.map(({ name }) => ({ clientName: name, stalls: 0, rung: 0 })),
  );
  for (const each of clients) {
    assert.deepEqual(
      each.entries("message").map(({ offset }) => offset),
      Array.from({ length: published }, (_, n) => n + 1),
    );
    for (const kind of ["gap", "state", "end"] as const) assert.deepEqual(each.entries(kind), []);
  }
});
