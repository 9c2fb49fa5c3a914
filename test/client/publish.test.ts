import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { describe, type TestContext, test } from "node:test";
import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { SpillwayError } from "../../src/errors.ts";
import { type Client, connect } from "../../src/transport/grpc/client/index.ts";
import type { WirePublishRequest } from "../../src/transport/grpc/contracts.ts";
import { errorToStatus } from "../../src/transport/grpc/status.ts";
import { eventually } from "../support/grpc-served-hub.ts";
import { deferred, fail, fakeServer, type Handlers, type PublishStreamCall } from "./fake-server.ts";
import { ManualClock } from "./manual-clock.ts";

async function clientOf(t: TestContext, handlers: Handlers): Promise<Client> {
  const server = await fakeServer(handlers);
  const client = connect(server.address);
  t.after(() => {
    client.close();
    server.die();
  });
  return client;
}

describe("publish", () => {
  test("sends topic, payload, key and headers, and returns the position", async (t) => {
    const requests: WirePublishRequest[] = [];
    const client = await clientOf(t, {
      publish(call, done) {
        requests.push(call.request);
        done(null, { position: { epoch: "e1", offset: "42" } });
      },
    });
    assert.deepEqual(await client.publish("a.b", "grüße", { key: "k", headers: { h: "v" } }), {
      epoch: "e1",
      offset: 42,
    });
    await client.publish("a.b", new Uint8Array([0, 255]));
    assert.equal(requests[0]?.topic, "a.b");
    assert.equal(requests[0]?.key, "k");
    assert.deepEqual({ ...requests[0]?.headers }, { h: "v" });
    assert.equal(Buffer.from(requests[0]?.payload ?? []).toString(), "grüße");
    assert.deepEqual([...(requests[1]?.payload ?? [])], [0, 255]);
    assert.equal(requests[1]?.key, undefined);
  });

  test("a refusal arrives with its code, field and sentence", async (t) => {
    const client = await clientOf(t, {
      publish(_call, done) {
        const refusal = new SpillwayError("TOPIC_INVALID", "Expected a topic.", { field: "topic" });
        done(errorToStatus(refusal) as ServiceError);
      },
    });
    await assert.rejects(client.publish("*", ""), {
      code: "TOPIC_INVALID",
      field: "topic",
      message: "Expected a topic.",
      reason: "bad-request",
    });
  });

  test("a message above the server's receive limit is MESSAGE_TOO_LARGE", async (t) => {
    const client = await clientOf(t, {});
    await assert.rejects(client.publish("a", new Uint8Array(5 << 20)), { code: "MESSAGE_TOO_LARGE" });
  });

  test("without a server it fails at once, and again after the first failure, but not once it is back", async (t) => {
    const gone = await fakeServer({});
    gone.die();
    const client = connect(gone.address);
    t.after(() => client.close());
    await assert.rejects(client.publish("a", ""), { code: "UNREACHABLE" });
    await assert.rejects(client.publish("a", ""), { code: "UNREACHABLE" });
    const back = await fakeServer(
      { publish: (_call, done) => done(null, { position: { epoch: "e", offset: 1 } }) },
      gone.port,
    );
    t.after(() => back.die());
    assert.deepEqual(await client.publish("a", ""), { epoch: "e", offset: 1 });
  });

  test("no answer in time is UNREACHABLE", async (t) => {
    const client = await clientOf(t, { publish() {} });
    await assert.rejects(client.publish("a", "", { timeoutMs: 30 }), { code: "UNREACHABLE" });
  });

  test("an aborted signal cancels the call and throws its reason", async (t) => {
    const arrived = deferred<{ cancelled: boolean }>();
    const client = await clientOf(t, { publish: (call) => arrived.resolve(call) });
    const controller = new AbortController();
    const published = client.publish("a", "", { signal: controller.signal });
    published.catch(() => {});
    const call = await arrived.promise;
    controller.abort(new Error("mine"));
    await assert.rejects(published, /^Error: mine$/);
    if (!call.cancelled) await once(call as never, "cancelled");
    await assert.rejects(client.publish("a", "", { signal: controller.signal }), /^Error: mine$/);
  });

  test("closing the client ends a call that waits, with CLOSED, and later calls too", async (t) => {
    const arrived = deferred();
    const client = await clientOf(t, { publish: () => arrived.resolve() });
    const published = client.publish("a", "");
    published.catch(() => {});
    await arrived.promise;
    client.close();
    await assert.rejects(published, { code: "CLOSED" });
    await assert.rejects(client.publish("a", ""), { code: "CLOSED" });
  });

  test("what no encoder should guess about is a TypeError", async (t) => {
    const client = await clientOf(t, {});
    await assert.rejects(
      client.publish("a", 7 as never),
      /TypeError: payload must be a string or a Uint8Array/,
    );
    await assert.rejects(client.publish(undefined as never, ""), TypeError);
    await assert.rejects(client.publish("a", "", { timeoutMs: 0 }), RangeError);
  });
});

describe("a publisher", () => {
  /** Accepts everything and acknowledges two at a time, the rest at the end. */
  function accepting(call: PublishStreamCall): void {
    let offset = 0;
    let waiting: number[] = [];
    const acknowledge = (): void => {
      if (waiting.length > 0) call.write({ epoch: "e1", offsets: waiting });
      waiting = [];
    };
    call.on("data", () => {
      offset += 10;
      waiting.push(offset);
      if (waiting.length === 2) acknowledge();
    });
    call.on("end", () => {
      acknowledge();
      call.end();
    });
  }

  test("says how many were accepted and where the first and the last are", async (t) => {
    const client = await clientOf(t, { publishStream: accepting });
    const publisher = client.publisher();
    for (let index = 0; index < 5; index += 1) await publisher.send("a", `m${index}`, { key: "k" });
    assert.deepEqual(await publisher.finish(), {
      accepted: 5,
      first: { epoch: "e1", offset: 10 },
      last: { epoch: "e1", offset: 50 },
    });
    assert.equal(publisher.acknowledged, 5);
    await assert.rejects(publisher.send("a", ""), { code: "CLOSED" });
    assert.equal((await publisher.finish()).accepted, 5, "finishing again says the same");
  });

  test("nothing sent is nothing accepted", async (t) => {
    const client = await clientOf(t, { publishStream: accepting });
    assert.deepEqual(await client.publisher().finish(), { accepted: 0, first: undefined, last: undefined });
  });

  test("acknowledgements count while it is still sending", async (t) => {
    const client = await clientOf(t, { publishStream: accepting });
    const publisher = client.publisher();
    while (publisher.acknowledged === 0) {
      await publisher.send("a", "");
      await new Promise((resolve) => setImmediate(resolve));
    }
    publisher.cancel();
  });

  test("waits while the server does not read", async (t) => {
    const arrived = deferred<PublishStreamCall>();
    const client = await clientOf(t, { publishStream: (call) => arrived.resolve(call) });
    const publisher = client.publisher();
    const payload = new Uint8Array(16_384);
    let sent = 0;
    let paused = deferred();
    const sending = (async () => {
      for (; sent < 400; sent += 1) {
        const room = publisher.send("a", payload);
        const turn = new Promise<"blocked">((resolve) => setTimeout(resolve, 200, "blocked"));
        if ((await Promise.race([room, turn])) === "blocked") paused.resolve();
        await room;
      }
    })();
    const call = await arrived.promise;
    await paused.promise;
    assert.ok(sent < 100, `${sent} messages of 16 KiB were taken with nobody reading`);
    paused = deferred();
    accepting(call);
    await sending;
    assert.equal((await publisher.finish()).accepted, 400);
  });

  test("a refusal ends it: later sends and finish() get the server's sentence, what was accepted stays counted", async (t) => {
    const client = await clientOf(t, {
      publishStream(call) {
        call.on("error", () => {});
        call.once("data", () => {
          call.write({ epoch: "e1", offsets: [1] }, () => {
            const refusal = new SpillwayError("MESSAGE_TOO_LARGE", "Expected less.", { field: "payload" });
            setImmediate(() => call.emit("error", errorToStatus(refusal)));
          });
        });
      },
    });
    const publisher = client.publisher();
    const expected = { code: "MESSAGE_TOO_LARGE", message: "Expected less." };
    await assert.rejects(async () => {
      for (;;) {
        await publisher.send("a", "");
        await new Promise((resolve) => setImmediate(resolve));
      }
    }, expected);
    await assert.rejects(publisher.finish(), expected);
  });

  test("a server that dies or was never there rejects the send that waits for room", async (t) => {
    const client = await clientOf(t, {
      publishStream(call) {
        call.on("error", () => {});
        setImmediate(() => fail(call, status.UNAVAILABLE, "gone"));
      },
    });
    const publisher = client.publisher();
    const payload = new Uint8Array(65_536);
    await assert.rejects(
      async () => {
        for (;;) await publisher.send("a", payload);
      },
      { code: "UNREACHABLE" },
    );
    const gone = await fakeServer({});
    gone.die();
    const lost = connect(gone.address);
    t.after(() => lost.close());
    await assert.rejects(lost.publisher().finish(), { code: "UNREACHABLE" });
  });

  test("an address that accepts and stays silent is given up after the connect timeout", async (t) => {
    const sockets = new Set<Socket>();
    const silent = createServer((socket) => sockets.add(socket.on("error", () => {}))).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const clock = new ManualClock();
    const { port } = silent.address() as { port: number };
    const client = connect(`127.0.0.1:${port}`, { clock, connectTimeoutMs: 5_000 });
    t.after(() => {
      client.close();
      for (const socket of sockets) socket.destroy();
      silent.close();
    });
    const accepted = once(silent, "connection");
    const publisher = client.publisher();
    await accepted;
    clock.advance(5_000);
    await assert.rejects(publisher.finish(), /no connection within 5000 ms/);
    assert.equal(clock.pending, 0);
  });

  test("a server that ends early without a refusal is not taken for success", async (t) => {
    const client = await clientOf(t, {
      publishStream(call) {
        call.sendMetadata(new Metadata());
        call.end();
      },
    });
    const publisher = client.publisher();
    await assert.rejects(
      async () => {
        for (;;) {
          await publisher.send("a", "");
          await new Promise((resolve) => setImmediate(resolve));
        }
      },
      { code: "CLOSED" },
    );
    assert.equal((await publisher.finish()).accepted, 0);
  });

  test("an acknowledgement that cannot be read ends it and does not end the process", async (t) => {
    const client = await clientOf(t, {
      publishStream(call) {
        call.on("error", () => {});
        call.on("data", () => call.write({ epoch: "e1", offsets: ["18446744073709551615"] }));
      },
    });
    const publisher = client.publisher();
    await publisher.send("a", "");
    await assert.rejects(publisher.finish(), /18446744073709551615/);
  });

  test("cancel() and closing the client end it with CLOSED", async (t) => {
    const client = await clientOf(t, { publishStream: accepting });
    const publisher = client.publisher();
    publisher.cancel();
    await assert.rejects(publisher.finish(), { code: "CLOSED" });
    const other = client.publisher();
    client.close();
    await assert.rejects(other.finish(), { code: "CLOSED" });
    await other[Symbol.asyncDispose]();
  });

  test("cancelled in the instant in which it was made, it is not left behind in the server", async (t) => {
    let open = 0;
    const client = await clientOf(t, {
      publishStream(call) {
        open++;
        call.on("cancelled", () => open--);
      },
      publish: (_, done) => done(null, { position: { epoch: "e1", offset: "1" } }),
    });
    // On a connection that is up, and then: requests of one connection arrive in order.
    await client.publish("a", "");
    client.publisher().cancel();
    await client.publish("a", "");
    await eventually(() => open === 0);
  });
});
