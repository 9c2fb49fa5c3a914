import assert from "node:assert/strict";
import { test } from "node:test";
import { Metadata, status } from "@grpc/grpc-js";
import { connect, type StateChange } from "../../src/transport/grpc/client/index.ts";
import { cancelled, deferred, end, fail, fakeServer, type LonglivedCall } from "./fake-server.ts";

const atOnce = { backoff: { random: () => 0 } };

test("texts arrive as they are sent, and come back after the server has died", async (t) => {
  const ids: unknown[] = [];
  const server = await fakeServer({
    longlived(call, attempt) {
      ids.push(call.request.id);
      call.write({ data: `data mock for: ${call.request.id}, ${attempt}` });
      if (attempt === 1) fail(call, status.UNAVAILABLE);
    },
  });
  t.after(() => server.die());
  await using client = connect(server.address, atOnce);
  const changes: StateChange[] = [];
  const texts: string[] = [];
  for await (const text of client.longlived(-7, { onStateChange: (change) => changes.push(change) })) {
    texts.push(text);
    if (texts.length === 2) break;
  }
  assert.deepEqual(texts, ["data mock for: -7, 1", "data mock for: -7, 2"]);
  assert.deepEqual(ids, [-7, -7]);
  assert.deepEqual(
    changes.map(({ state, attempt }) => `${state} ${attempt}`),
    ["live 1", "waiting 1", "connecting 2", "live 2", "ended 2"],
  );
});

test("a server that sends its headers only with the first message is live with it", async (t) => {
  const call = deferred<LonglivedCall>();
  const server = await fakeServer({ longlived: (got) => call.resolve(got) });
  t.after(() => server.die());
  await using client = connect(server.address, atOnce);
  const subscription = client.longlived(1);
  const reading = subscription.next();
  const got = await call.promise;
  assert.equal(subscription.state, "connecting");
  got.write({ data: "" });
  assert.deepEqual(await reading, { done: false, value: "" });
  assert.equal(subscription.state, "live");
  await subscription.return();
  await cancelled(got);
});

test("an OK end, as Unsubscribe makes it, finishes the iteration", async (t) => {
  const server = await fakeServer({
    longlived(call) {
      call.write({ data: "one" });
      call.end();
    },
  });
  t.after(() => server.die());
  await using client = connect(server.address, atOnce);
  const texts: string[] = [];
  for await (const text of client.longlived(1)) texts.push(text);
  assert.deepEqual(texts, ["one"]);
});

test("one that was replaced stops and says so, instead of taking the id back", async (t) => {
  let calls = 0;
  const server = await fakeServer({
    longlived(call) {
      calls += 1;
      call.sendMetadata(new Metadata());
      end(call, { reason: "replaced" });
    },
  });
  t.after(() => server.die());
  await using client = connect(server.address, atOnce);
  await assert.rejects(client.longlived(1).next(), { code: "ENDED", reason: "replaced" });
  assert.equal(calls, 1);
});
