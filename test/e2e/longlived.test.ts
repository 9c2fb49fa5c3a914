/**
 * The scene that this project grew from, between processes: ten clients of `protos.Longlived`, and an eleventh that
 * knows nothing but the contract.
 */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { status } from "@grpc/grpc-js";
import type { Hub } from "../../src/fanout/index.ts";
import { servedHub } from "../support/grpc-served-hub.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { type ClientProcess, client } from "./support/client-process.ts";
import { opens } from "./support/server-streams.ts";

failOnLeaks();

/** As the post's server does it: every client is sent its own id. */
function posted(t: TestContext) {
  const decoder = new TextDecoder();
  return servedHub(t, {
    longlived: { render: ({ payload }, id) => `${decoder.decode(payload)}: ${id}` },
  });
}

/** Publishes a text, and waits until these clients have it. */
async function mock(hub: Hub, text: string, clients: readonly ClientProcess[]): Promise<void> {
  hub.publish("longlived", text);
  await Promise.all(
    clients.map((each) =>
      each.until(`"${text}"`, () => texts(each).some((received) => received.startsWith(`${text}: `))),
    ),
  );
}

function texts(each: ClientProcess): string[] {
  return each.entries("text").map(({ text }) => text);
}

test("ten clients and a foreign one each get the data with their own id, and are ended one by one by Unsubscribe", async (t) => {
  const { hub, served, address } = await posted(t);
  const ten = Array.from({ length: 10 }, (_, index) =>
    client(t, "longlived", `client ${index + 1}`, { address, id: index + 1 }),
  );
  const foreign = client(t, "foreign-longlived", "foreign", { address, id: 11 });
  const all = [...ten, foreign];
  await Promise.all(all.map((each) => each.first("live")));
  for (let n = 0; n < 5; n++) await mock(hub, `data mock for ${n}`, all);
  for (const [index, each] of all.entries()) {
    const expected = Array.from({ length: 5 }, (_, n) => `data mock for ${n}: ${index + 1}`);
    assert.deepEqual(texts(each), expected);
  }

  // In the post, any client can end the stream of any id.
  const [unsubscribed, ...others] = ten;
  foreign.tell({ unsubscribe: 1 });
  assert.equal((await foreign.first("answer")).code, status.OK);
  assert.deepEqual(await unsubscribed?.first("end"), { kind: "end", trailers: {} });
  await mock(hub, "without the first", [...others, foreign]);
  assert.equal(texts(unsubscribed as ClientProcess).length, 5);
  await opens(served.server, { connections: 11, streams: 10 });

  foreign.tell({ unsubscribe: 1 });
  await foreign.until("a second answer", () => foreign.entries("answer").length === 2);
  assert.equal(foreign.entries("answer")[1]?.code, status.NOT_FOUND);

  foreign.tell({ unsubscribe: 11 });
  const { code, trailers } = await foreign.first("end");
  assert.deepEqual([code, trailers.reason], [status.OK, "unsubscribed"]);
  assert.equal(hub.stats().subscriptions.live, 9);
});

test("an id that subscribes again is taken over: the older client is told that it was replaced, and stays away", async (t) => {
  const { hub, address } = await posted(t);
  const foreign = client(t, "foreign-longlived", "foreign", { address, id: 7 });
  await foreign.first("live");
  const ours = client(t, "longlived", "ours", { address, id: 7 });
  const replaced = await foreign.first("end");
  assert.deepEqual([replaced.code, replaced.trailers.reason], [status.ABORTED, "replaced"]);
  await ours.first("live");
  await mock(hub, "one", [ours]);

  const third = client(t, "foreign-longlived", "third", { address, id: 7 });
  assert.equal((await ours.first("end")).trailers.reason, "replaced");
  await third.first("live");
  await mock(hub, "two", [third]);
  assert.deepEqual([foreign, ours, third].map(texts), [[], ["one: 7"], ["two: 7"]]);
  assert.deepEqual(ours.entries("waiting"), [], "it does not come back to replace in turn");
  assert.deepEqual(hub.stats().ended, { replaced: 2 });
});

test("a frozen client changes nothing for the others, and what it lost is in its trailers", async (t) => {
  const lost = new Map<number, number>();
  const { hub, address } = await servedHub(
    t,
    { longlived: { onGap: ({ count }, id) => lost.set(id, (lost.get(id) ?? 0) + (count ?? 0)) } },
    { queue: { messages: 10 }, escalation: [] },
  );
  const clients = Array.from({ length: 3 }, (_, index) =>
    client(t, "foreign-longlived", `client ${index}`, { address, id: index }),
  );
  const frozen = clients[0] as ClientProcess;
  const others = clients.slice(1);
  await Promise.all(clients.map((each) => each.first("live")));
  frozen.freeze();
  const published: string[] = [];
  for (let n = 0; n < 100; n++) {
    published.push(`${n}: ${"x".repeat(8192)}`);
    hub.publish("longlived", published[n] as string);
    await Promise.all(others.map((each) => each.until(`text ${n}`, () => texts(each).length > n)));
  }
  for (const each of others) assert.deepEqual(texts(each), published);
  frozen.thaw();
  await frozen.until("the newest", () => texts(frozen).at(-1) === published.at(-1));
  const missed = published.length - texts(frozen).length;
  assert.ok(missed > 0);
  assert.deepEqual([...lost], [[0, missed]]);
  frozen.tell({ unsubscribe: 0 });
  const { code, trailers } = await frozen.first("end");
  assert.deepEqual([code, trailers.lost], [status.OK, String(missed)]);
});
