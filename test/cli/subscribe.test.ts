import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, test } from "node:test";
import { type Json, publish, run, startServer, startSubscriber } from "./run.ts";

test("--json has one object per frame with its documented fields", async (t) => {
  const { address } = await startServer(t);
  const before = Date.now();
  const { process, started } = await startSubscriber(t, address, ["a.*", "--name", "me"]);
  await publish(t, address, ["a.b", "--key", "k", "--header", "h=v=w"], "grüße\n");
  await publish(t, address, ["a.b"], new Uint8Array([0xff, 0xfe, 0x0a]));
  const last = await process.json(({ offset, type }) => type === "message" && offset === 2);
  const first = await process.json(({ offset, type }) => type === "message" && offset === 1);
  const { subscriptionId, epoch, receivedAtMs: startedAt, ...rest } = started;
  assert.equal(typeof subscriptionId, "string");
  assert.deepEqual(rest, {
    type: "started",
    offset: 0,
    overflow: "drop-oldest",
    queue: { messages: 1024, bytes: 1_048_576 },
    bounded: [],
  });
  const { publishedAtMs, receivedAtMs, ...message } = first;
  assert.deepEqual(message, {
    type: "message",
    topic: "a.b",
    offset: 1,
    previousOffset: 0,
    epoch,
    key: "k",
    headers: { h: "v=w" },
    payload: "grüße",
  });
  // Clocks of processes on one machine; each notes the wall clock at its start.
  for (const time of [startedAt, publishedAtMs, receivedAtMs]) assert.ok(Math.abs(time - before) < 60_000);
  assert.equal(last.payload, undefined);
  assert.equal(last.payloadBase64, "//4=");
  assert.equal(last.previousOffset, 1);
  assert.deepEqual([last.key, last.headers], [undefined, undefined]);
});

test("text has one line per message, and nothing a stranger sends breaks a line or reaches the terminal", async (t) => {
  const { address } = await startServer(t);
  const subscriber = run(t, ["subscribe", "a", "--address", address]);
  await subscriber.note(/live behind offset 0, drop-oldest, queue 1024 messages \/ 1048576 bytes/);
  await publish(t, address, ["a", "--key", "k\u001b[2J"], "\u001b[31mred\tand\rmore\n");
  await publish(t, address, ["a"], new Uint8Array([0xff, 0x0a]));
  await publish(t, address, ["a"], "end\n");
  await subscriber.line(/end/);
  assert.deepEqual(subscriber.stdout.split("\n"), [
    "a 1 [k\\u001b[2J] \\u001b[31mred\\tand\\rmore",
    "a 2 base64:/w==",
    "a 3 end",
    "",
  ]);
});

test("several patterns and key filters select what is printed, each message once", async (t) => {
  const { address } = await startServer(t);
  const args = ["a.*", "a.>", "b", "--key", "end", "--key", "x1", "--key-prefix", "y"];
  const { process } = await startSubscriber(t, address, args);
  for (const key of ["x1", "x2", "y1", "y2"]) await publish(t, address, ["a.b", "--key", key], `${key}\n`);
  await publish(t, address, ["c", "--key", "x1"], "not this topic\n");
  await publish(t, address, ["b", "--key", "end"], "end\n");
  await process.json(({ payload }) => payload === "end");
  const keys = process.jsonLines().flatMap(({ type, key }) => (type === "message" ? [key] : []));
  assert.deepEqual(keys, ["x1", "y1", "y2", "end"]);
});

describe("when standard output is not read", () => {
  const total = 6_000;

  /** Publishes far more than fits between server and reader, while the output of the subscriber is full. */
  async function overflow(t: Parameters<typeof startServer>[0], flags: readonly string[]) {
    const { address } = await startServer(t, ["--queue-messages", "10"]);
    const subscriber = run(t, ["subscribe", "a", "--address", address, ...flags], { unread: true });
    if (flags.length === 0) await subscriber.note(/live/);
    else await once(subscriber.child.stdout, "readable");
    const { code } = await publish(t, address, ["a", "--count", String(total), "--size", "1000"]);
    assert.equal(code, 0);
    return { address, subscriber };
  }

  test("it loses as the policy says, and prints exactly what: messages and gaps add up", async (t) => {
    const { subscriber } = await overflow(t, ["--json"]);
    subscriber.read();
    await subscriber.json(({ type, offset }) => type === "message" && offset === total);
    const frames = subscriber.jsonLines().filter(({ type }) => type !== "started" && type !== "progress");
    const gaps = frames.filter(({ type }) => type === "gap");
    assert.ok(gaps.length > 0, "something was lost");
    let expected = 1;
    for (const frame of frames) {
      if (frame.type === "gap") {
        assert.equal(frame.from, expected);
        assert.equal(frame.count, frame.to - frame.from + 1);
        assert.equal(frame.reason, "overflow");
        assert.equal(frame.topic, "a");
        expected = frame.to + 1;
      } else {
        assert.equal(frame.offset, expected);
        expected += 1;
      }
    }
    assert.equal(expected, total + 1);
  });

  test("text shows the loss where it is", async (t) => {
    const { subscriber } = await overflow(t, []);
    subscriber.read();
    await subscriber.line((line) => line.startsWith(`a ${total} `));
    assert.match(subscriber.stdout, /^\*\*\* lost \d+ messages of a, offsets \d+\.\.\d+: overflow \*\*\*$/m);
  });

  test("SIGTERM still ends it, with 0", async (t) => {
    const { subscriber } = await overflow(t, ["--json"]);
    subscriber.child.kill("SIGTERM");
    assert.equal((await subscriber.exit).code, 0);
  });
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  test(`${signal} ends it with 0`, async (t) => {
    const { address } = await startServer(t);
    const { process } = await startSubscriber(t, address, ["a"]);
    process.child.kill(signal);
    const { code, stderr } = await process.exit;
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  });
}

test("a closed pipe ends it with 0 and without a word", async (t) => {
  const { address } = await startServer(t);
  const { process } = await startSubscriber(t, address, ["a"]);
  process.child.stdout.destroy();
  // The first line that finds nobody is where it notices.
  await publish(t, address, ["a", "--count", "3"]);
  const { code, stderr } = await process.exit;
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
});

test("comes back after its server was killed and started again, and says so in one line per attempt", async (t) => {
  const first = await startServer(t);
  const { process, started } = await startSubscriber(t, first.address, ["a"]);
  first.process.child.kill("SIGKILL");
  await process.note(/trying again in \d+\.\d s/);
  await startServer(t, [], first.address);
  const again = await process.json(({ type, epoch }) => type === "started" && epoch !== started.epoch);
  assert.equal(again.offset, 0);
  await publish(t, first.address, ["a"], "hello\n");
  const message: Json = await process.json(({ payload }) => payload === "hello");
  assert.equal(message.epoch, again.epoch);
  process.child.kill("SIGTERM");
  const { code, stderr } = await process.exit;
  assert.equal(code, 0);
  assert.match(stderr, /^(spillway: [^\n]+; trying again in \d+\.\d s\n)+$/);
});
