import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { publish, run, startServer, startSubscriber } from "./run.ts";

describe("from standard input", () => {
  test("each line is a message, byte for byte, without its end", async (t) => {
    const { address } = await startServer(t);
    const { process } = await startSubscriber(t, address, ["a"]);
    const input = Buffer.concat([
      Buffer.from("one\n\nwith return\r\n"),
      Buffer.from([0x80, 0x0a]),
      Buffer.from("last"),
    ]);
    const { code, stdout, stderr } = await publish(t, address, ["a"], input);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    assert.match(stdout, /^accepted 5 messages, offsets 1\.\.5 of epoch [\w-]+\n$/);
    await process.json(({ payload }) => payload === "last");
    const payloads = process
      .jsonLines()
      .flatMap(({ type, payload, payloadBase64 }) => (type === "message" ? [payload ?? payloadBase64] : []));
    assert.deepEqual(payloads, ["one", "", "with return", "gA==", "last"]);
  });

  test("nothing is nothing accepted", async (t) => {
    const { address } = await startServer(t);
    const { code, stdout } = await publish(t, address, ["a"]);
    assert.deepEqual({ code, stdout }, { code: 0, stdout: "accepted 0 messages\n" });
  });

  test("a signal ends it after what was sent is accepted, with the code that shells expect", async (t) => {
    const { address } = await startServer(t);
    const { process: subscriber } = await startSubscriber(t, address, ["a"]);
    for (const [signal, expected] of [
      ["SIGINT", 130],
      ["SIGTERM", 143],
    ] as const) {
      const publisher = run(t, ["publish", "a", "--address", address]);
      publisher.child.stdin.write(`${signal}\nand half a li`);
      await subscriber.json(({ payload }) => payload === signal);
      publisher.child.kill(signal);
      const { code, stdout, stderr } = await publisher.exit;
      assert.deepEqual({ code, stderr }, { code: expected, stderr: "" });
      assert.match(stdout, /^accepted 1 message, /);
    }
  });
});

describe("generated", () => {
  test("--count and --size are exact", async (t) => {
    const { address } = await startServer(t);
    const { process } = await startSubscriber(t, address, ["a"]);
    const { code, stdout } = await publish(t, address, ["a", "--count", "20", "--size", "7"]);
    assert.equal(code, 0);
    assert.match(stdout, /^accepted 20 messages, offsets 1\.\.20 /);
    await process.json(({ offset, type }) => type === "message" && offset === 20);
    const payloads = process
      .jsonLines()
      .flatMap(({ type, payload }) => (type === "message" ? [payload] : []));
    assert.deepEqual(
      payloads,
      Array.from({ length: 20 }, (_, index) => `${index + 1} `.padEnd(7, ".")),
    );
  });

  test("--size 0 is empty messages", async (t) => {
    const { address } = await startServer(t);
    const { stdout } = await publish(t, address, ["a", "--count", "2", "--size", "0"]);
    assert.match(stdout, /^accepted 2 messages/);
  });

  test("without --count it goes on until a signal, and ends with 0", async (t) => {
    const { address } = await startServer(t);
    const { process } = await startSubscriber(t, address, ["a"]);
    const publisher = run(t, ["publish", "a", "--address", address, "--rate", "200"]);
    await process.json(({ offset, type }) => type === "message" && offset >= 3);
    publisher.child.kill("SIGINT");
    const { code, stdout, stderr } = await publisher.exit;
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    const accepted = Number(/^accepted (\d+) messages, offsets 1\.\.\1 /.exec(stdout)?.[1]);
    assert.ok(accepted >= 3, stdout);
  });
});

test("a server that dies in the middle is one line with what was accepted, and exit code 1", async (t) => {
  const server = await startServer(t);
  const { process } = await startSubscriber(t, server.address, ["a"]);
  const publisher = run(t, ["publish", "a", "--address", server.address, "--rate", "500"]);
  await process.json(({ offset, type }) => type === "message" && offset >= 5);
  server.process.child.kill("SIGKILL");
  const { code, stdout, stderr } = await publisher.exit;
  assert.deepEqual({ code, stdout }, { code: 1, stdout: "" });
  assert.match(stderr, /^spillway: cannot reach a server at [^\n]+ \(accepted before that: \d+\)\n$/);
});

test("a refused message ends it, and those before it are accepted", async (t) => {
  const { address } = await startServer(t);
  const input = `small\n${"x".repeat(1_100_000)}\nnever\n`;
  const { code, stderr } = await publish(t, address, ["a"], input);
  assert.equal(code, 1);
  assert.match(stderr, /^spillway: [^\n]*1048576[^\n]* \(accepted before that: [01]\)\n$/);
});

test("a closed standard output is no crash", async (t) => {
  const { address } = await startServer(t);
  const publisher = run(t, ["publish", "a", "--address", address]);
  publisher.child.stdout.destroy();
  publisher.child.stdin.end("one\n");
  const { code, stderr } = await publisher.exit;
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
});
