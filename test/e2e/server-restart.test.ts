/**
 * A server that is killed (`kill -9`) and started again on the same port, and clients of ours that come back to it by
 * themselves: to another history, or to the same one.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { failOnLeaks } from "../support/leaks.ts";
import type { ServerOrder, ServerSpec } from "./programs/server.ts";
import { assertComplete, messagesIn } from "./support/checker.ts";
import { type ClientProcess, client, type EntryOf } from "./support/client-process.ts";
import type { Entry, MessageEntry, StoredEntry } from "./support/journal.ts";

failOnLeaks();

const TOPICS = ["load.a", "load.b"] as const;

async function startServer(t: TestContext, spec: ServerSpec) {
  const server = client(t, "server", "server", spec);
  const { address, epoch } = await server.first("listening");
  return { server, address, epoch, tell: (order: ServerOrder) => server.tell(order) };
}

async function killed(server: ClientProcess): Promise<void> {
  server.kill();
  await server.exited;
}

function subscriber(t: TestContext, address: string, name: string, options: object = {}): ClientProcess {
  return client(t, "resuming-subscriber", name, { address, patterns: TOPICS, options });
}

test("clients come back to a server that was killed: its new epoch is told, and the new history is read from its start", async (t) => {
  const first = await startServer(t, { listen: "127.0.0.1:0" });
  const retention = {};
  const live = subscriber(t, first.address, "live");
  const oldest = subscriber(t, first.address, "oldest", { start: "oldest" });
  const clients = [live, oldest];
  await Promise.all(clients.map((each) => each.first("started")));
  first.tell({ order: "publish", topics: TOPICS, count: 10 });
  await Promise.all(clients.map((each) => each.reached(10)));
  await killed(first.server);
  // It is noticed before anybody answers again.
  await Promise.all(clients.map((each) => each.first("waiting")));

  const second = await startServer(t, { listen: first.address, hub: { retention } });
  assert.notEqual(second.epoch, first.epoch);
  second.tell({ order: "publish", topics: TOPICS, count: 5 });
  const cameBack = (each: ClientProcess) =>
    each.until("a second started", () => each.entries("started").length === 2);
  await Promise.all(clients.map(cameBack));
  second.tell({ order: "publish", topics: TOPICS, count: 5 });
  for (const each of clients) {
    const { offset } = started(each, 1);
    await each.until(
      "the end of the new history",
      (journal) => sinceLastStart(journal).at(-1)?.offset === 10,
    );
    assert.deepEqual([started(each, 0).epoch, started(each, 1).epoch], [first.epoch, second.epoch]);
    assert.deepEqual(offsets(messagesIn(each.journal).slice(0, 10)), range(1, 10), "of the old history");
    // Who started live begins where the new history was then; who started with the oldest misses nothing of it.
    const begin = each === live ? offset + 1 : 1;
    assert.deepEqual(offsets(messagesIn(each.journal).slice(10)), range(begin, 10), "of the new history");
    assert.deepEqual(each.entries("gap"), []);
  }
});

test("a server that is killed in the middle and goes on with its history loses nothing for those who come back, and repeats nothing", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "spillway-restart-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "history.jsonl");
  writeFileSync(file, "");
  const stored = (): StoredEntry[] =>
    readFileSync(file, "utf8")
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as StoredEntry);
  const hub = () => ({ epoch: "kept", lastOffset: stored().at(-1)?.offset ?? 0 });

  let run = await startServer(t, { listen: "127.0.0.1:0", hub: hub(), file });
  const clients = [1, 2, 3].map((n) => subscriber(t, run.address, `subscriber ${n}`));
  await Promise.all(clients.map((each) => each.first("started")));
  for (let lives = 1; lives < 4; lives++) {
    run.tell({ order: "stream", topics: TOPICS });
    const target = hub().lastOffset + 200;
    await Promise.all(clients.map((each) => each.reached(target)));
    await killed(run.server);
    run = await startServer(t, { listen: run.address, hub: hub(), file });
  }
  run.tell({ order: "publish", topics: TOPICS, count: 10 });
  const { offset } = await run.server.first("published");
  await Promise.all(clients.map((each) => each.reached(offset)));

  const published = stored().map(({ topic, offset, hash }): MessageEntry => {
    return { kind: "message", topic, offset, key: undefined, hash };
  });
  assert.deepEqual(offsets(published), range(1, offset), "numbers go on where they were");
  for (const each of clients) {
    assertComplete(each.journal, published);
    for (const { epoch } of each.entries("started")) assert.equal(epoch, "kept");
    assert.ok(each.entries("started").length >= 4, "it came back after every kill");
  }
});

function started(each: ClientProcess, index: number): EntryOf<"started"> {
  const entry = each.entries("started")[index];
  assert.ok(entry !== undefined);
  return entry;
}

function sinceLastStart(journal: readonly Entry[]): readonly MessageEntry[] {
  return messagesIn(journal.slice(journal.findLastIndex(({ kind }) => kind === "started")));
}

function offsets(messages: readonly MessageEntry[]): number[] {
  return messages.map(({ offset }) => offset);
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, n) => first + n);
}
