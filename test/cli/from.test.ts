/** What `spillway subscribe` says of the past, and `spillway serve` retains of it. */
import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { type Json, publish, run, startServer, startSubscriber } from "./run.ts";

const isLive = ({ type, state }: Json): boolean => type === "state" && state === "live";

/** What a subscriber from there gets until it is live. */
async function past(t: TestContext, address: string, args: readonly string[]): Promise<Json[]> {
  const { process } = await startSubscriber(t, address, args);
  await process.json(isLive);
  const lines = process.jsonLines();
  return lines.slice(0, lines.findIndex(isLive) + 1);
}

const offsetsOf = (lines: readonly Json[]): unknown[] =>
  lines.flatMap(({ type, offset }) => (type === "message" ? [offset] : []));

describe("--from", () => {
  test("begins where it says", async (t) => {
    const { address } = await startServer(t);
    await publish(t, address, ["a"], "1\n2\n3\n4\n5\n");
    const [{ epoch } = {} as Json] = await past(t, address, ["a", "--from", "oldest"]);
    const inAnHour = new Date(Date.now() + 3_600_000).toISOString();
    const forms: [from: string, offsets: number[]][] = [
      ["oldest", [1, 2, 3, 4, 5]],
      ["last:2", [4, 5]],
      ["since:1h", [1, 2, 3, 4, 5]],
      [`since:${inAnHour}`, []],
      [`${epoch}:3`, [4, 5]],
    ];
    for (const [from, offsets] of forms) {
      assert.deepEqual(offsetsOf(await past(t, address, ["a", "--from", from])), offsets, from);
    }
  });

  test("a position that is not retained any more is a gap, then what there is", async (t) => {
    const { address } = await startServer(t, ["--retain", "2"]);
    await publish(t, address, ["a"], "1\n2\n3\n4\n5\n");
    const [started] = await past(t, address, ["a", "--from", "oldest"]);
    const lines = await past(t, address, ["a", "--from", `${started?.epoch}:1`]);
    const [, catchingUp, gap, ...rest] = lines;
    assert.deepEqual(
      [catchingUp?.type, catchingUp?.state, catchingUp?.overflow, catchingUp?.rung],
      ["state", "catching-up", "drop-oldest", 0],
    );
    assert.deepEqual([gap?.type, gap?.from, gap?.to, gap?.reason], ["gap", 2, 3, "trimmed"]);
    assert.deepEqual(offsetsOf(rest), [4, 5]);
  });

  test("a position beyond the newest is refused, one of another history begins in this one", async (t) => {
    const { address } = await startServer(t);
    await publish(t, address, ["a"], "1\n");
    const [started] = await past(t, address, ["a", "--from", "oldest"]);
    const beyond = await run(t, ["subscribe", "a", "-a", address, "--from", `${started?.epoch}:2`]).exit;
    assert.equal(beyond.code, 1);
    assert.match(beyond.stderr, /^spillway: expected an offset from 0 to 1[^\n]*got 2\n$/);
    const other = await startSubscriber(t, address, ["a", "--from", "gone:77"]);
    assert.deepEqual([other.started.epoch, other.started.offset], [started?.epoch, 1]);
  });

  test("snapshot is the latest of every key, deletions included", async (t) => {
    const { address } = await startServer(t, ["--retain-latest", "state.*"]);
    for (const [key, value] of [
      ["a", "1"],
      ["b", "1"],
      ["a", "2"],
    ] as const) {
      await publish(t, address, ["state.x", "--key", key], `${value}\n`);
    }
    const { stdout } = await publish(t, address, ["state.x", "--key", "b", "--tombstone"]);
    assert.match(stdout, /^accepted 1 message, /);
    const lines = await past(t, address, ["state.x", "--from", "snapshot"]);
    assert.deepEqual(
      lines.flatMap(({ type, key, payload, tombstone }) =>
        type === "message" ? [[key, payload, tombstone]] : [],
      ),
      [
        ["a", "2", undefined],
        ["b", "", true],
      ],
    );
  });

  test("in text, the past is announced on stderr, and a deletion is told from an empty message", async (t) => {
    const { address } = await startServer(t, ["--retain-latest", "state.*"]);
    await publish(t, address, ["state.x", "--key", "a", "--tombstone"]);
    const subscriber = run(t, ["subscribe", "state.x", "-a", address, "--from", "oldest"]);
    assert.equal(await subscriber.line(/state/), "state.x 1 [a] (deleted)");
    await subscriber.note(/^spillway: live: everything retained was sent$/);
    subscriber.child.kill("SIGTERM");
    const { stderr } = await subscriber.exit;
    assert.deepEqual(stderr.split("\n").slice(0, 2), [
      "spillway: starting behind offset 0, drop-oldest, queue 1024 messages / 1048576 bytes",
      "spillway: catching up: what follows is read from what the server retains",
    ]);
  });
});

test("what has outlived its --ttl, or is older than --max-age, is told as expired", async (t) => {
  const { address } = await startServer(t);
  // Starting a process takes longer than that.
  await publish(t, address, ["a", "--ttl", "1ms"], "short-lived\n");
  await publish(t, address, ["a"], "lasting\n");
  const any = await past(t, address, ["a", "--from", "oldest"]);
  assert.deepEqual(offsetsOf(any), [2]);
  assert.equal(any.find(({ type }) => type === "gap")?.reason, "expired");
  assert.deepEqual(offsetsOf(await past(t, address, ["a", "--from", "oldest", "--max-age", "1ms"])), []);
});

test("--overflow park reads on from the log: everything is printed, in order, and it says so", async (t) => {
  const total = 4_000;
  const { address } = await startServer(t, ["--retain", "10000", "--retain-bytes", "100000000"]);
  const args = ["subscribe", "a", "--address", address, "--json", "--overflow", "park"];
  const subscriber = run(t, args, { unread: true });
  await new Promise((resolve) => subscriber.child.stdout.once("readable", resolve));
  await publish(t, address, ["a", "--count", String(total), "--size", "1000"]);
  subscriber.read();
  await subscriber.json(({ type, offset }) => type === "message" && offset === total);
  await subscriber.json(isLive);
  const lines = subscriber.jsonLines();
  assert.deepEqual(
    offsetsOf(lines),
    Array.from({ length: total }, (_, index) => index + 1),
  );
  assert.ok(lines.some(({ state, overflow }) => state === "parked" && overflow === "park"));
  assert.equal(
    lines.some(({ type }) => type === "gap"),
    false,
  );
});

test("block is granted by --allow-block, and by nothing else", async (t) => {
  const plain = await startServer(t);
  const refused = await run(t, ["subscribe", "a", "-a", plain.address, "--overflow", "block"]).exit;
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /^spillway: the overflow policy block is not granted here; [^\n]+\n$/);
  for (const flags of [["--allow-block"], ["--overflow", "block"]]) {
    const { address } = await startServer(t, flags);
    const { started } = await startSubscriber(t, address, ["a", "--overflow", "block"]);
    assert.equal(started.overflow, "block");
  }
});

describe("serve", () => {
  const presets: [name: string, overflow: string, messages: number][] = [
    ["live-state", "conflate", 1_024],
    ["event-feed", "drop-oldest", 4_096],
    ["audit-log", "park", 1_024],
    ["telemetry", "drop-oldest", 256],
  ];
  for (const [preset, overflow, messages] of presets) {
    test(`--preset ${preset} is what subscribers get`, async (t) => {
      const { address } = await startServer(t, ["--preset", preset]);
      const { started } = await startSubscriber(t, address, ["a"]);
      assert.deepEqual([started.overflow, started.queue.messages], [overflow, messages]);
    });
  }

  test("other flags win over a preset", async (t) => {
    const flags = ["--preset", "audit-log", "--overflow", "evict", "--queue-messages", "7"];
    const { address } = await startServer(t, flags);
    const { started } = await startSubscriber(t, address, ["a"]);
    assert.deepEqual([started.overflow, started.queue.messages], ["evict", 7]);
  });

  test("retains 1024 messages per topic unless told otherwise, and none with --retain 0", async (t) => {
    const standard = await startServer(t);
    await publish(t, standard.address, ["a", "--count", "1030", "--size", "10"]);
    const retained = offsetsOf(await past(t, standard.address, ["a", "--from", "oldest"]));
    assert.deepEqual([retained.length, retained[0], retained.at(-1)], [1_024, 7, 1_030]);
    const none = await startServer(t, ["--retain", "0"]);
    await publish(t, none.address, ["a"], "1\n");
    assert.deepEqual(offsetsOf(await past(t, none.address, ["a", "--from", "oldest"])), []);
  });
});

test("a subscriber that was frozen until the server gave it up is told why when it comes back", async (t) => {
  const { address } = await startServer(t, ["--overflow", "evict", "--queue-messages", "10"]);
  const { process: frozen } = await startSubscriber(t, address, ["a"]);
  frozen.child.kill("SIGSTOP");
  const { code } = await publish(t, address, ["a", "--count", "3000", "--size", "1000"]);
  assert.equal(code, 0);
  frozen.child.kill("SIGCONT");
  await frozen.json(({ type, offset }) => type === "message" && offset === 3_000);
  const told = frozen.jsonLines().findLast(({ type }) => type === "started");
  const notes = await frozen.note(/trying again/);
  // Either its status got through behind what was in the window, or the reset did and the server told it later.
  if (told?.previousEnd !== undefined) assert.equal(told.previousEnd.reason, "overflow");
  else assert.match(notes, /the queue was full/);
});
