/** Coming back to the real server: nothing lost that it retains, nothing twice, and everything else is told. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Hub, type HubOptions, type StoredMessage } from "../../src/fanout/index.ts";
import { OVERFLOW_POLICIES } from "../../src/protocol/index.ts";
import {
  type Client,
  type ConnectOptions,
  connect,
  type RemoteFrame,
  type RemoteSubscription,
  type StateChange,
} from "../../src/transport/grpc/client/index.ts";
import { type SpillwayServer, serve } from "../../src/transport/grpc/index.ts";
import { startServer } from "../cli/run.ts";
import { cuttableProxy } from "../support/grpc-cuttable-proxy.ts";
import { ValveSink } from "../support/valve-sink.ts";

/** No delay before an attempt, and a dead connection is found at once. */
const eager: ConnectOptions = {
  backoff: { random: () => 0 },
  keepalive: { timeMs: 100, timeoutMs: 100 },
};

function clientOf(t: TestContext, address: string, options: ConnectOptions = eager): Client {
  const client = connect(address, options);
  t.after(() => client.close());
  return client;
}

async function served(
  t: TestContext,
  options: HubOptions,
  listen = "127.0.0.1:0",
): Promise<{ readonly hub: Hub; readonly server: SpillwayServer }> {
  // Suggested retry delays are times that a test would have to wait.
  const hub = new Hub({ retryDelayMs: 0, ...options });
  const server = await serve(hub, { listen, endGraceMs: 50, drainTimeoutMs: 500 });
  t.after(() => server.close());
  return { hub, server };
}

const retention = { messages: 100_000, bytes: 1 << 28 };

/** Reads until a message with that offset; `onFrame` sees everything on the way. */
async function readThrough(
  subscription: RemoteSubscription,
  offset: number,
  onFrame: (frame: RemoteFrame) => void = () => {},
): Promise<RemoteFrame[]> {
  const frames: RemoteFrame[] = [];
  for (;;) {
    const { done, value } = await subscription.next();
    assert.ok(done !== true, "the subscription ended");
    frames.push(value);
    onFrame(value);
    if (value.kind === "message" && value.offset === offset) return frames;
  }
}

const offsetsOf = (frames: readonly RemoteFrame[]): number[] =>
  frames.flatMap((frame) => (frame.kind === "message" ? [frame.offset] : []));
const countTo = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1);

/** Numbered messages over ten keys, published in pieces; each piece as the one before it is being read. */
class Feed {
  readonly hub: Hub;
  readonly total: number;
  readonly #piece: number;

  constructor(hub: Hub, total: number, piece: number) {
    this.hub = hub;
    this.total = total;
    this.#piece = piece;
  }

  more(): void {
    const { hub, total } = this;
    for (let left = this.#piece; left > 0 && hub.position.offset < total; left--) {
      hub.publish(`t.${hub.position.offset % 2}`, "x".repeat(500), { key: `k${hub.position.offset % 10}` });
    }
  }
}

const CUTS = [400, 1_100, 1_900];

for (const terms of [
  { overflow: "drop-oldest", queue: { messages: 65_536, bytes: 1 << 24 } },
  { overflow: "park", queue: { messages: 16 } },
  { overflow: "block", queue: { messages: 16 } },
] as const) {
  test(`across cuts of the network everything arrives once and in order, under ${terms.overflow}`, async (t) => {
    const { hub, server } = await served(t, {
      retention,
      authorize: () => ({ overflow: OVERFLOW_POLICIES }),
    });
    const proxy = await cuttableProxy(t, server.port);
    const feed = new Feed(hub, 3_000, 300);
    const subscription = clientOf(t, proxy.address).subscribe("t.*", terms);
    const cuts = [...CUTS];
    let starts = 0;
    const frames = await readThrough(subscription, feed.total, (frame) => {
      if (frame.kind === "started") starts++;
      if (frame.kind === "started" && starts === 1) feed.more();
      if (frame.kind !== "message") return;
      if (frame.offset >= (cuts[0] ?? Number.POSITIVE_INFINITY)) {
        cuts.shift();
        proxy.cut();
        feed.more();
      }
      if (frame.offset > hub.position.offset - 100) feed.more();
    });
    assert.ok(starts > CUTS.length, "it came back after every cut");
    assert.deepEqual(offsetsOf(frames), countTo(feed.total));
    assert.deepEqual(
      frames.filter(({ kind }) => kind === "gap"),
      [],
    );
    assert.deepEqual(subscription.position, { epoch: hub.epoch, offset: feed.total });
  });
}

test("across cuts of the network every key rises, without repeats, to its newest value, under conflate", async (t) => {
  const { hub, server } = await served(t, { retention, progressIntervalMs: 10 });
  const proxy = await cuttableProxy(t, server.port);
  const feed = new Feed(hub, 3_000, 300);
  const subscription = clientOf(t, proxy.address).subscribe("t.*", { overflow: "conflate" });
  const cuts = [...CUTS];
  const newest = new Map<string, number>();
  const last = { publish: () => feed.more() };
  for await (const frame of subscription) {
    assert.notEqual(frame.kind, "gap");
    if (frame.kind === "started") last.publish();
    if (frame.kind !== "message") continue;
    const id = `${frame.topic} ${frame.key}`;
    assert.ok(frame.offset > (newest.get(id) ?? 0), `${id} came with ${frame.offset} again`);
    newest.set(id, frame.offset);
    if (frame.offset >= (cuts[0] ?? Number.POSITIVE_INFINITY)) {
      cuts.shift();
      proxy.cut();
    }
    feed.more();
    const complete = [...newest.values()].filter((offset) => offset > feed.total - 10).length === 10;
    if (complete) break;
  }
  assert.deepEqual(cuts, []);
});

test("one that is evicted again and again still gets everything, once and in order", async (t) => {
  const { hub, server } = await served(t, { retention, overflow: "evict", queue: { messages: 8 } });
  const changes: StateChange[] = [];
  const subscription = clientOf(t, server.address).subscribe("t.*", {
    onStateChange: (change) => changes.push(change),
  });
  const feed = new Feed(hub, 2_000, 200);
  const frames = await readThrough(subscription, feed.total, (frame) => {
    // A whole piece in one turn is more than the queue of a live subscriber takes.
    if (frame.kind === "state" && frame.state === "live") feed.more();
    if (frame.kind === "started" && hub.position.offset === 0) feed.more();
  });
  assert.deepEqual(offsetsOf(frames), countTo(feed.total));
  assert.deepEqual(
    frames.filter(({ kind }) => kind === "gap"),
    [],
  );
  const reasons = changes.flatMap(({ state, error }) => (state === "waiting" ? [error?.reason] : []));
  assert.ok(reasons.length >= 2);
  assert.deepEqual(new Set(reasons), new Set(["overflow"]));
});

test("one that got no message yet resumes too, from the position of its start", async (t) => {
  const { hub, server } = await served(t, { retention });
  hub.publish("t.0", "before it came");
  const proxy = await cuttableProxy(t, server.port);
  const subscription = clientOf(t, proxy.address).subscribe("t.*");
  assert.equal(((await subscription.next()).value as RemoteFrame).kind, "started");
  proxy.cut();
  hub.publish("t.0", "while it was away");
  assert.deepEqual(offsetsOf(await readThrough(subscription, 2)), [2]);
});

test("what was trimmed while one was away is a gap, and what is retained follows it", async (t) => {
  const { hub, server } = await served(t, { retention: { messages: 3 } });
  const proxy = await cuttableProxy(t, server.port);
  const subscription = clientOf(t, proxy.address).subscribe("t");
  await subscription.next();
  hub.publish("t", "1");
  await readThrough(subscription, 1);
  proxy.cut();
  for (let offset = 2; offset <= 10; offset++) hub.publish("t", String(offset));
  const frames = await readThrough(subscription, 10);
  const told = frames.filter(({ kind }) => kind === "gap" || kind === "message");
  const [gap] = told;
  assert.ok(gap?.kind === "gap");
  assert.deepEqual([gap.topic, gap.from, gap.to, gap.reason], ["t", 2, 7, "trimmed"]);
  assert.deepEqual(offsetsOf(told), [8, 9, 10]);
});

test("after a kill and a restart without memory it goes on in the new history, and sees that it is one", async (t) => {
  const first = await startServer(t);
  const client = clientOf(t, first.address);
  const subscription = client.subscribe("t", { start: "oldest" });
  const started = (await subscription.next()).value as RemoteFrame;
  await client.publish("t", "1");
  await readThrough(subscription, 1);
  first.process.child.kill("SIGKILL");
  await first.process.exit;
  await startServer(t, [], first.address);
  // Published before the subscriber is back: it began with the oldest, so it gets this too.
  const publisher = clientOf(t, first.address);
  const { epoch } = await publisher.publish("t", "1 again");
  const frames = await readThrough(subscription, 1);
  const again = frames.findLast(({ kind }) => kind === "started");
  assert.ok(started.kind === "started" && again?.kind === "started");
  assert.notEqual(again.position.epoch, started.position.epoch);
  assert.deepEqual(subscription.position, { epoch, offset: 1 });
});

test("after a restart that goes on with the same history it loses and repeats nothing", async (t) => {
  const stored: (StoredMessage & { topic: string })[] = [];
  const source = {
    load: async ({
      topic,
      after,
      through,
      limit,
    }: {
      topic: string;
      after: number;
      through: number;
      limit: number;
    }) => {
      const wanted = stored.filter(
        (message) => message.topic === topic && message.offset > after && message.offset <= through,
      );
      const messages = wanted.slice(0, limit);
      return { messages, through: wanted.length > limit ? messages.at(-1)!.offset : through };
    },
  };
  const history = [{ pattern: ">", source }];
  const before = await served(t, { epoch: "kept", retention: { messages: 4 }, history });
  const publish = (hub: Hub, text: string): void => {
    const { offset } = hub.publish("t", text);
    stored.push({ topic: "t", offset, payload: text, publishedAtMs: Date.now() });
  };
  const subscription = clientOf(t, before.server.address).subscribe("t");
  await subscription.next();
  for (let index = 0; index < 10; index++) publish(before.hub, "first life");
  const frames = await readThrough(subscription, 10);
  for (let index = 0; index < 10; index++) publish(before.hub, "not delivered any more");
  // As a kill would: nothing is said to anybody.
  before.server.server.forceShutdown();
  await before.server.close();
  const after = await served(t, { epoch: "kept", lastOffset: 20, history }, before.server.address);
  for (let index = 0; index < 10; index++) publish(after.hub, "second life");
  frames.push(...(await readThrough(subscription, 30)));
  assert.deepEqual(offsetsOf(frames), countTo(30));
});

test("a publisher waits while a subscriber blocks, and nothing of what it sent is lost", async (t) => {
  const { hub, server } = await served(t, { blockTimeoutMs: 3_600_000 });
  const sink = new ValveSink({ valve: "shut" });
  const request = { patterns: ["t"], overflow: "block", queue: { messages: 8 } } as const;
  hub.attach(request, sink, { overflow: ["block"] });
  const publisher = clientOf(t, server.address).publisher();
  const payload = Buffer.alloc(2_000);
  const total = 1_000;
  let sent = 0;
  const sending = (async () => {
    for (; sent < total; sent++) await publisher.send("t", payload);
  })();
  for (let quiet = 0, before = -1; quiet < 200; quiet = sent === before ? quiet + 1 : 0) {
    before = sent;
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(sent * payload.length < 400_000, `${sent} messages were taken before the publisher waited`);
  sink.openValve();
  await sending;
  assert.equal((await publisher.finish()).accepted, total);
  while (sink.offsets.length < total) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(sink.offsets, countTo(total));
});
