/** The client with the real server: what both sides believe of each other holds. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Hub, type HubOptions } from "../../src/fanout/index.ts";
import {
  type Client,
  type ConnectOptions,
  connect,
  type RemoteFrame,
  type StateChange,
} from "../../src/transport/grpc/client/index.ts";
import { serve } from "../../src/transport/grpc/index.ts";
import { eventually } from "../support/grpc-served-hub.ts";

const atOnce = { backoff: { random: () => 0 } };

async function served(
  t: TestContext,
  hubOptions: HubOptions = {},
): Promise<{ hub: Hub; client: (options?: ConnectOptions) => Client; close: () => Promise<void> }> {
  // Suggested retry delays are times that a test would have to wait.
  const hub = new Hub({ retryDelayMs: 0, ...hubOptions });
  const server = await serve(hub, { listen: "127.0.0.1:0" });
  const clients: Client[] = [];
  t.after(async () => {
    for (const client of clients) client.close();
    await server.close();
  });
  return {
    hub,
    client(options = atOnce) {
      const client = connect(server.address, options);
      clients.push(client);
      return client;
    },
    close: () => server.close(),
  };
}

test("what is published by one client is read by another", async (t) => {
  const { client } = await served(t);
  const subscription = client().subscribe("prices.*");
  const started = (await subscription.next()).value as RemoteFrame;
  assert.equal(started.kind, "started");
  const position = await client().publish("prices.EURUSD", "1.0842", { key: "EURUSD", headers: { a: "b" } });
  const frame = (await subscription.next()).value as RemoteFrame;
  assert.ok(frame.kind === "message");
  assert.equal(Buffer.from(frame.payload).toString(), "1.0842");
  assert.deepEqual([frame.topic, frame.key, { ...frame.headers }], ["prices.EURUSD", "EURUSD", { a: "b" }]);
  assert.deepEqual(subscription.position, position);
});

test("one that is evicted comes back, and everything it was not sent is in a gap", async (t) => {
  const { hub, client } = await served(t, { overflow: "evict", queue: { messages: 8 } });
  const changes: StateChange[] = [];
  const subscription = client().subscribe("t", { onStateChange: (change) => changes.push(change) });
  await subscription.next();
  const total = 2_000;
  for (let index = 0; index < total; index += 1) hub.publish("t", "x".repeat(1_000));
  let behind = 0;
  let resubscribed = false;
  for await (const frame of subscription) {
    if (frame.kind === "started") {
      resubscribed = true;
      hub.publish("t", "last");
    } else if (frame.kind === "gap") {
      assert.equal(frame.from, behind + 1);
      behind = frame.to;
    } else if (frame.kind === "message") {
      assert.equal(frame.offset, behind + 1);
      behind = frame.offset;
    }
    if (behind === total + 1) break;
  }
  assert.ok(resubscribed);
  assert.equal(changes.find(({ state }) => state === "waiting")?.error?.reason, "overflow");
});

test("a second client with the same Longlived id takes over, and the first is told", async (t) => {
  const { client } = await served(t);
  const live = (id: number): Promise<{ reading: Promise<unknown> }> =>
    new Promise((resolve) => {
      const subscription = client().longlived(id, {
        onStateChange: ({ state }) => state === "live" && resolve({ reading }),
      });
      const reading = subscription.next();
      reading.catch(() => {});
    });
  const first = await live(7);
  await live(7);
  await assert.rejects(first.reading, { code: "ENDED", reason: "replaced" });
});

test("a server that shuts down is waited for, with the retry delay that it asks for", async (t) => {
  const { client, close } = await served(t, { retryDelayMs: 60_000 });
  const waiting: StateChange[] = [];
  let waits!: () => void;
  const waited = new Promise<void>((resolve) => {
    waits = resolve;
  });
  const subscription = client().subscribe("t", {
    onStateChange(change) {
      if (change.state !== "waiting") return;
      waiting.push(change);
      waits();
    },
  });
  await subscription.next();
  const reading = (async () => {
    for await (const frame of subscription) assert.equal(frame.kind, "state");
  })();
  await close();
  await waited;
  assert.equal(waiting[0]?.error?.reason, "draining");
  assert.ok((waiting[0]?.delayMs ?? 0) >= 30_000);
  subscription.close();
  await reading;
});

test("a position of another history leads to a fresh start", async (t) => {
  const { hub, client } = await served(t);
  hub.publish("t", "before");
  const subscription = client().subscribe("t", { start: { epoch: "gone", offset: 900 } });
  const started = (await subscription.next()).value as RemoteFrame;
  assert.ok(started.kind === "started");
  assert.deepEqual(started.position, { epoch: hub.epoch, offset: 1 });
});

test("refusals arrive with their codes", async (t) => {
  const { client } = await served(t, { maxMessageBytes: 100 });
  await assert.rejects(client().subscribe("a..b").next(), { code: "PATTERN_INVALID", field: "patterns" });
  await assert.rejects(client().subscribe([]).next(), { field: "patterns" });
  await assert.rejects(client().publish("a.*", ""), { code: "TOPIC_INVALID" });
  await assert.rejects(client().publish("a", "x".repeat(101)), { code: "MESSAGE_TOO_LARGE" });
  await assert.rejects(client().publish("a", "", { key: "k".repeat(10_000) }), /key/);
});

test("a publisher's messages arrive in order, and all of them are acknowledged", async (t) => {
  const { hub, client } = await served(t, { queue: { messages: 65_536, bytes: 1 << 24 } });
  const subscription = client().subscribe("t");
  await subscription.next();
  const publisher = client().publisher();
  const total = 5_000;
  for (let index = 1; index <= total; index += 1) await publisher.send("t", String(index));
  assert.deepEqual(await publisher.finish(), {
    accepted: total,
    first: { epoch: hub.epoch, offset: 1 },
    last: { epoch: hub.epoch, offset: total },
  });
  let read = 0;
  for await (const frame of subscription) {
    if (frame.kind !== "message") continue;
    read += 1;
    assert.equal(Buffer.from(frame.payload).toString(), String(read));
    if (read === total) break;
  }
});

test("one that is closed in the instant in which it was opened is not left behind in the server", async (t) => {
  const { hub, client } = await served(t);
  const busy = client();
  const first = busy.subscribe("t");
  await first.next();
  busy.subscribe("t").close();
  // Requests of one connection arrive in order: when this one is live, the closed one has arrived, if it came at all.
  const last = busy.subscribe("t");
  await last.next();
  await eventually(() => hub.stats().subscriptions.live === 2);
});
