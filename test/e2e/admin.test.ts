/**
 * What an operator sees and does at two in the morning: the command `spillway` against a real server whose clients are
 * processes of their own, one of them frozen (SIGSTOP), one reading slowly, one healthy.
 */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { status } from "@grpc/grpc-js";
import { type Exit, type Json, run } from "../cli/run.ts";
import { eventually, servedHub } from "../support/grpc-served-hub.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { type ClientProcess, client } from "./support/client-process.ts";
import { History } from "./support/history.ts";
import { arrayBuffersHeld } from "./support/memory.ts";
import { opens } from "./support/server-streams.ts";

failOnLeaks();

const MIB = 1024 * 1024;
const request = { patterns: ["load.*"] };

/** The command, and all that it printed. */
async function spillway(t: TestContext, address: string, ...args: string[]): Promise<Exit> {
  const exit = await run(t, [...args, "--address", address]).exit;
  assert.equal(exit.code, 0, exit.stderr);
  return exit;
}

async function listed(t: TestContext, address: string): Promise<readonly Json[]> {
  const { stdout } = await spillway(t, address, "ls", "--json", "--window", "50ms");
  return stdout
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Json);
}

/** Publishes, but no faster than the healthy one reads, until it is told to stop. */
function load(history: History, healthy: ClientProcess): { stop(): Promise<void> } {
  let stopped = false;
  const running = (async () => {
    while (!stopped) {
      for (let n = 0; n < 5; n++) history.publish("load.a", 8_000);
      await healthy.reached(history.lastOffset);
    }
  })();
  return {
    stop() {
      stopped = true;
      return running;
    },
  };
}

test("spillway ls has the frozen client before the slow one before the healthy one, each in its state", async (t) => {
  const { hub, address } = await servedHub(
    t,
    { admin: {} },
    {
      // A slow one moves, and is far from this; one that is frozen for good gets there.
      stallTimeoutMs: 1_000,
      minBytesPerSecond: MIB,
      escalation: [],
      queue: { messages: 64, bytes: MIB },
    },
  );
  const healthy = client(t, "subscriber", "healthy", { address, request });
  const slow = client(t, "subscriber", "slow", { address, request, restMs: 20 });
  const frozen = client(t, "subscriber", "frozen", { address, request });
  await Promise.all([healthy, slow, frozen].map((each) => each.first("started")));
  frozen.freeze();
  const publishing = load(new History(hub), healthy);

  const inOrder = [
    ["frozen", "stalled"],
    ["slow", "slow"],
    ["healthy", "good"],
  ];
  let reports: readonly Json[];
  const isSeen = () =>
    isDeepStrictEqual(
      reports.map(({ clientName, health }) => [clientName, health]),
      inOrder,
    ) && reports.slice(0, 2).every(({ dropped }) => dropped.overflow > 0);
  // Each comes to its state by itself, and while the load goes on, stays there.
  do reports = await listed(t, address);
  while (!isSeen());
  const [first, second, third] = reports as [Json, Json, Json];
  assert.deepEqual(
    [first, second, third].map(({ state }) => state),
    ["live", "live", "live"],
  );
  assert.deepEqual([first.delivery, first.slow, first.rates.delivered], ["stalled", true, 0]);
  assert.ok(first.writeAgeMs >= 1_000, `${first.writeAgeMs} ms`);
  assert.ok(first.lagMs >= first.writeAgeMs);
  assert.equal(second.slow, true);
  assert.deepEqual([third.slow, third.dropped.overflow], [false, 0]);
  for (const { peer, matched, capacity, queued } of reports) {
    assert.match(peer, /^127\.0\.0\.1:\d+$/);
    assert.ok(matched > 0 && queued <= capacity.messages);
  }

  // The same for people.
  let table: readonly string[];
  do table = (await spillway(t, address, "ls", "--window", "50ms")).stdout.split("\n").slice(1, -1);
  while (
    !inOrder.every(([name, health], index) =>
      new RegExp(`^\\w+ +${health} .* ${name} `).test(table[index] ?? ""),
    )
  );
  const slowOnes = await spillway(t, address, "ls", "--slow", "--json", "--no-rates");
  assert.doesNotMatch(slowOnes.stdout, /"clientName":"healthy"/);
  await publishing.stop();
});

test("spillway evict frees what a frozen client holds, and tells it when it wakes", async (t) => {
  const { hub, served, address } = await servedHub(
    t,
    { admin: {} },
    { queue: { bytes: 32 * MIB }, maxQueue: { bytes: 32 * MIB }, escalation: [] },
  );
  const healthy = client(t, "subscriber", "healthy", { address, request });
  const frozen = client(t, "subscriber", "frozen", { address, request });
  await Promise.all([healthy.first("started"), frozen.first("started")]);
  const history = new History(hub);
  const before = arrayBuffersHeld();
  frozen.freeze();
  for (let n = 0; n < 24; n++) await healthy.reached(history.publish("load.a", MIB - 100));
  assert.ok(arrayBuffersHeld() > before + 16 * MIB, "something is held for it");

  const victim = (await listed(t, address)).find(({ clientName }) => clientName === "frozen");
  const { stdout } = await spillway(t, address, "evict", String(victim?.id).slice(0, 8));
  assert.match(
    stdout,
    new RegExp(`^evicted ${victim?.id} \\(frozen\\): 2\\d messages were waiting for it, 2\\dMiB\n$`),
  );
  const left = await listed(t, address);
  assert.deepEqual(
    left.map(({ clientName }) => clientName),
    ["healthy"],
  );
  await eventually(() => hub.stats().ended.evicted === 1);
  // It does not take its status either, so its stream is reset; its connection is not.
  await opens(served.server, { connections: 2, streams: 1 });
  assert.ok(arrayBuffersHeld() < before + 4 * MIB, "nothing is held for it any more");
  assert.match((await spillway(t, address, "stats", "--no-rates")).stdout, /^ended +1 \(1 evicted\)$/m);
  frozen.thaw();
  assert.equal((await frozen.first("end")).code, status.RESOURCE_EXHAUSTED);
  await healthy.reached(history.publish("load.b", 10));
});
