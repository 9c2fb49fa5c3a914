import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { status } from "@grpc/grpc-js";
import { SpillwayError } from "../../../src/errors.ts";
import type { HubOptions } from "../../../src/fanout/index.ts";
import type { GapFrame } from "../../../src/protocol/index.ts";
import { type LonglivedServiceOptions, loadContracts } from "../../../src/transport/grpc/index.ts";
import { readStatus } from "../../../src/transport/grpc/status.ts";
import { callUnary, openStream } from "../../support/grpc-calls.ts";
import { eventually, type ServedHub, servedHub } from "../../support/grpc-served-hub.ts";

const { longlived } = loadContracts();

const start = (t: TestContext, options: LonglivedServiceOptions = {}, hub: HubOptions = {}) =>
  servedHub(t, { longlived: options, fanout: false }, hub);

const subscribe = ({ client }: ServedHub, id: number) => openStream(client, longlived.Subscribe, { id });
const unsubscribe = ({ client }: ServedHub, id: number) => callUnary(client, longlived.Unsubscribe, { id });

test("every client gets the payload as text", async (t) => {
  const server = await start(t);
  const streams = [subscribe(server, 1), subscribe(server, 2)];
  await Promise.all(streams.map(({ live }) => live));
  server.hub.publish("longlived", "Grüße");
  for (const stream of streams) {
    assert.deepEqual(
      (await stream.take(1)).map(({ data }) => data),
      ["Grüße"],
    );
  }
});

test("the topic can be chosen, as a pattern too", async (t) => {
  const server = await start(t, { topic: "news.>" });
  const stream = subscribe(server, 1);
  await stream.live;
  server.hub.publish("longlived", "not this");
  server.hub.publish("news.today", "this");
  assert.equal((await stream.take(1))[0]?.data, "this");
});

test("what a client is sent can depend on its id", async (t) => {
  const server = await start(t, { render: (_message, id) => `data mock for: ${id}` });
  const streams = [7, 0, -3].map((id) => subscribe(server, id));
  await Promise.all(streams.map(({ live }) => live));
  server.hub.publish("longlived", "");
  const data = await Promise.all(streams.map(async (stream) => (await stream.take(1))[0]?.data));
  assert.deepEqual(data, ["data mock for: 7", "data mock for: 0", "data mock for: -3"]);
});

test("unsubscribing ends the stream of that id with OK, and no other", async (t) => {
  const server = await start(t);
  const gone = subscribe(server, 1);
  const stays = subscribe(server, 2);
  await Promise.all([gone.live, stays.live]);
  await unsubscribe(server, 1);
  const end = await gone.status;
  assert.equal(end.code, status.OK);
  assert.equal(readStatus(end).reason, "unsubscribed");
  server.hub.publish("longlived", "still here");
  assert.equal((await stays.take(1))[0]?.data, "still here");
});

test("unsubscribing twice, or an unknown id, is NOT_FOUND", async (t) => {
  const server = await start(t);
  const stream = subscribe(server, 1);
  await stream.live;
  await assert.rejects(unsubscribe(server, 2), { code: status.NOT_FOUND });
  await unsubscribe(server, 1);
  await assert.rejects(unsubscribe(server, 1), {
    code: status.NOT_FOUND,
    details: "id 1 has no live stream",
  });
});

test("an id can be used again once its stream has ended", async (t) => {
  const server = await start(t, { onDuplicate: "refuse" });
  for (let round = 0; round < 3; round++) {
    const stream = subscribe(server, 1);
    await stream.live;
    server.hub.publish("longlived", "again");
    await stream.take(1);
    await unsubscribe(server, 1);
    assert.equal((await stream.status).code, status.OK);
  }
});

test("by default a second stream with an id takes over, and the first one ends with ABORTED", async (t) => {
  const server = await start(t);
  const older = subscribe(server, 1);
  await older.live;
  const newer = subscribe(server, 1);
  await newer.live;
  const end = await older.status;
  assert.equal(end.code, status.ABORTED);
  assert.equal(readStatus(end).reason, "replaced");
  assert.equal(readStatus(end).advice, "stop");
  server.hub.publish("longlived", "for the newer");
  assert.equal((await newer.take(1))[0]?.data, "for the newer");
  // The end of the older one has not taken the newer one's id away.
  await eventually(() => server.hub.stats().ended.replaced === 1);
  await unsubscribe(server, 1);
  assert.equal((await newer.status).code, status.OK);
});

test("a second stream with an id can be refused with ALREADY_EXISTS", async (t) => {
  const server = await start(t, { onDuplicate: "refuse" });
  const first = subscribe(server, 1);
  await first.live;
  const refused = await subscribe(server, 1).status;
  assert.equal(refused.code, status.ALREADY_EXISTS);
  assert.equal(readStatus(refused).field, "id");
  server.hub.publish("longlived", "for the first");
  await first.take(1);
});

test("a newer stream that is refused costs the older one nothing", async (t) => {
  const server = await start(t, {}, { maxSubscriptions: 1 });
  const older = subscribe(server, 1);
  await older.live;
  assert.equal((await subscribe(server, 1).status).code, status.RESOURCE_EXHAUSTED);
  server.hub.publish("longlived", "still here");
  await older.take(1);
});

test("losses are told through a hook and in the trailers", async (t) => {
  const gaps: [GapFrame, number][] = [];
  const server = await start(
    t,
    { onGap: (gap, id) => gaps.push([gap, id]) },
    { queue: { messages: 2 }, overflow: "drop-oldest" },
  );
  const stream = subscribe(server, 5);
  await stream.live;
  for (let i = 1; i <= 5; i++) server.hub.publish("longlived", String(i));
  assert.deepEqual(
    (await stream.take(2)).map(({ data }) => data),
    ["4", "5"],
  );
  assert.deepEqual(gaps, [
    [{ kind: "gap", topic: "longlived", from: 1, to: 3, count: 3, reason: "overflow" }, 5],
  ]);
  await unsubscribe(server, 5);
  assert.equal(readStatus(await stream.status).lost, 3);
});

test("authorize decides about unsubscribing too", async (t) => {
  const server = await start(
    t,
    {},
    {
      authorize({ action, clientName }) {
        if (action === "unsubscribe") throw new SpillwayError("NOT_ALLOWED", `${clientName} stays`);
        return undefined;
      },
    },
  );
  const stream = subscribe(server, 1);
  await stream.live;
  await assert.rejects(unsubscribe(server, 1), { code: status.PERMISSION_DENIED, details: "1 stays" });
  server.hub.publish("longlived", "still here");
  await stream.take(1);
});

test("after the hub has closed, subscribing is refused with UNAVAILABLE and a retry delay", async (t) => {
  const server = await start(t);
  await server.hub.close();
  const refused = await subscribe(server, 1).status;
  assert.equal(refused.code, status.UNAVAILABLE);
  assert.equal(readStatus(refused).reason, "draining");
  assert.ok(readStatus(refused).retryAfterMs !== undefined);
});
