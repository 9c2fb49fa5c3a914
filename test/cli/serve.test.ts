import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { connect } from "../../src/transport/grpc/client/index.ts";
import { publish, run, startServer, startSubscriber } from "./run.ts";

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  test(`prints exactly one line when it is ready, and ends with 0 on ${signal}`, async (t) => {
    const { process, address } = await startServer(t);
    assert.match(address, /^127\.0\.0\.1:[1-9]\d*$/);
    process.child.kill(signal);
    const { code, stdout } = await process.exit;
    assert.deepEqual({ code, stdout }, { code: 0, stdout: `spillway listening on ${address}\n` });
    assert.deepEqual(
      process.log.map((line) => [line.level, line.msg, line.address ?? line.signal]),
      [
        [30, "listening", address],
        [30, "stopping", signal],
        [30, "stopped", undefined],
      ],
    );
  });
}

test("logs what happens to its subscribers, from the level that is asked for", async (t) => {
  const { process, address } = await startServer(t, ["--log-level", "debug"]);
  const { process: subscriber, started } = await startSubscriber(t, address, ["a", "--name", "dash-1"]);
  const line = await process.logged(/^a subscription has started$/);
  assert.deepEqual(
    [line.level, line.event, line.subscriptionId, line.clientName, line.patterns],
    [20, "spillway:subscription:started", started.subscriptionId, "dash-1", ["a"]],
  );
  subscriber.child.kill("SIGTERM");
  const ended = await process.logged(/^a subscription has ended$/);
  assert.deepEqual([ended.subscriptionId, ended.lost], [started.subscriptionId, 0]);
});

test("--metrics serves the figures of the hub where a second line says", async (t) => {
  const { process, address } = await startServer(t, ["--metrics", "127.0.0.1:0"]);
  const line = await process.line(/^metrics on /);
  const url = line.slice("metrics on ".length);
  assert.match(url, /^http:\/\/127\.0\.0\.1:[1-9]\d*\/metrics$/);
  await publish(t, address, ["a"], "one\ntwo\n");
  assert.match(await (await fetch(url)).text(), /^spillway_messages_published_total 2$/m);
  process.child.kill("SIGTERM");
  const { code, stdout } = await process.exit;
  assert.deepEqual([code, stdout], [0, `spillway listening on ${address}\n${line}\n`]);
});

test("metrics that cannot be served where they should be end it before it listens", async (t) => {
  const { process } = await startServer(t, ["--metrics", "127.0.0.1:0"]);
  const taken = new URL((await process.line(/^metrics on /)).slice("metrics on ".length)).host;
  const { code, stdout, stderr } = await run(t, ["serve", "-l", "127.0.0.1:0", "--metrics", taken]).exit;
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /^spillway: cannot listen on 127\.0\.0\.1:\d+: the port is in use[^\n]*\n$/);
});

test("--admin lets an operator see the configuration in force, and without it nobody does", async (t) => {
  const { address } = await startServer(t, ["--admin", "--overflow", "conflate"]);
  await using client = connect(address);
  assert.match(await client.admin.config(), /^ {2}overflow: conflate$/m);
  const plain = await startServer(t);
  await using other = connect(plain.address);
  await assert.rejects(() => other.admin.config(), { reason: "UNIMPLEMENTED" });
});

test("--log-level silent logs nothing", async (t) => {
  const { process } = await startServer(t, ["--log-level", "silent"]);
  process.child.kill("SIGTERM");
  assert.equal((await process.exit).stderr, "");
});

test("its subscribers are told to come back later, and it ends all the same", async (t) => {
  const { process, address } = await startServer(t);
  const subscriber = await startSubscriber(t, address, ["a"]);
  process.child.kill("SIGTERM");
  assert.equal((await process.exit).code, 0);
  await subscriber.process.note(/the server is shutting down; trying again in \d+\.\d s/);
});

test("a second signal ends it at once", async (t) => {
  const { process, address } = await startServer(t);
  const { process: frozen } = await startSubscriber(t, address, ["a"]);
  // With a reader that is frozen and a full queue, draining lasts until its time is over.
  frozen.child.kill("SIGSTOP");
  await publish(t, address, ["a", "--count", "400", "--size", "4096"]);
  process.child.kill("SIGTERM");
  await process.note(/stopping/);
  process.child.kill("SIGTERM");
  assert.equal((await process.exit).code, 143);
});

test("goes on when nobody reads its line any more", async (t) => {
  const server = run(t, ["serve", "--listen", "127.0.0.1:0"]);
  const line = await server.line(/listening/);
  server.child.stdout.destroy();
  const address = line.slice(line.lastIndexOf(" ") + 1);
  assert.equal((await publish(t, address, ["a"], "one\n")).code, 0);
  server.child.kill("SIGTERM");
  assert.equal((await server.exit).code, 0);
});

test("its flags set what subscribers get who ask for nothing", async (t) => {
  const flags = ["--overflow", "conflate", "--queue-messages", "17", "--queue-bytes", "4711"];
  const { address } = await startServer(t, flags);
  const { started } = await startSubscriber(t, address, ["a"]);
  assert.equal(started.overflow, "conflate");
  assert.deepEqual(started.queue, { messages: 17, bytes: 4711 });
});

describe("--demo", () => {
  test("publishes this machine's readings, one key per reading", async (t) => {
    const { address } = await startServer(t, ["--demo"]);
    const { process } = await startSubscriber(t, address, ["host.>"]);
    const expected = { "host.cpu": "total", "host.memory": "used", "host.load": "1m" };
    for (const [topic, key] of Object.entries(expected)) {
      const reading = await process.json((line) => line.topic === topic && line.key === key);
      const { value, unit } = JSON.parse(reading.payload as string);
      assert.equal(typeof value, "number");
      assert.equal(typeof unit, "string");
    }
    const again = (offset: number) => process.json((line) => line.key === "1m" && line.offset > offset);
    await again((await again(0)).offset as number);
    assert.ok(process.jsonLines().every(({ type, topic }) => type !== "message" || /^host\./.test(topic)));
  });

  test("sends every Longlived client the text with its own id", async (t) => {
    const { address } = await startServer(t, ["--demo"]);
    await using client = connect(address);
    for (const id of [1, 2 ** 31 - 1]) {
      const texts: string[] = [];
      for await (const text of client.longlived(id)) {
        texts.push(text);
        if (texts.length === 2) break;
      }
      assert.deepEqual(texts, Array(2).fill(`data mock for: ${id}`));
    }
  });
});

test("without --demo the Longlived service sends what is published to its topic", async (t) => {
  const { address } = await startServer(t);
  await using client = connect(address);
  const live = new Promise<void>((resolve) => {
    const subscription = client.longlived(5, { onStateChange: ({ state }) => state === "live" && resolve() });
    t.after(() => subscription.close());
    void subscription.next().then((result) => {
      received(result.value);
    });
  });
  let received!: (text: string | undefined) => void;
  const text = new Promise<string | undefined>((resolve) => {
    received = resolve;
  });
  await live;
  await publish(t, address, ["longlived"], "hello\n");
  assert.equal(await text, "hello");
});
