import assert from "node:assert/strict";
import { test } from "node:test";
import type { Subscription } from "../../../src/fanout/index.ts";
import type { CloseReason, EndFrame } from "../../../src/protocol/index.ts";
import { loadContracts } from "../../../src/transport/grpc/contracts.ts";
import { Predecessors } from "../../../src/transport/grpc/predecessors.ts";
import { frameFromWire, subscribeToWire } from "../../../src/transport/grpc/wire.ts";
import { openStream } from "../../support/grpc-calls.ts";
import { rawClient } from "../../support/grpc-raw-client.ts";
import { servedHub } from "../../support/grpc-served-hub.ts";

const { fanout } = loadContracts();

const end = (reason: CloseReason, offset = 7): EndFrame => ({
  kind: "end",
  reason,
  position: { epoch: "e", offset },
  detail: "",
  lost: 3,
  retryAfterMs: undefined,
});

/** All that is asked of a subscription here. */
const named = (id: string): Subscription => ({ id }) as Subscription;

test("an end is remembered by its id, also when it was asked for before", () => {
  const predecessors = new Predecessors();
  predecessors.ended(named("a"), end("stalled"));
  assert.deepEqual(predecessors.recall("a"), { reason: "stalled", offset: 7, lost: 3 });
  assert.deepEqual(predecessors.recall("a"), { reason: "stalled", offset: 7, lost: 3 });
  for (const unknown of ["b", "", undefined, "__proto__"])
    assert.equal(predecessors.recall(unknown), undefined);
});

test("those who left by themselves are not kept", () => {
  const predecessors = new Predecessors();
  predecessors.ended(named("a"), end("cancelled"));
  assert.equal(predecessors.recall("a"), undefined);
});

test("beyond the bound the oldest is forgotten", () => {
  const predecessors = new Predecessors(2);
  for (const [index, id] of ["a", "b", "c"].entries()) predecessors.ended(named(id), end("slow", index));
  assert.equal(predecessors.recall("a"), undefined);
  assert.equal(predecessors.recall("b")?.offset, 1);
  assert.equal(predecessors.recall("c")?.offset, 2);
});

test("a client that was reset without a status learns the reason when it comes back", async (t) => {
  const { hub, address, client } = await servedHub(t, { endGraceMs: 50 }, { overflow: "evict" });
  const reader = await rawClient(t, address, { window: 0 });
  const terms = subscribeToWire({ patterns: ["t"], queue: { messages: 2 } });
  const call = reader.call("/spillway.v1.Fanout/Subscribe", fanout.Subscribe.requestSerialize(terms));
  await call.headers;
  // It would have been in the first frame, had one got through.
  const [subscription] = hub.subscriptions();
  for (const text of ["1", "2", "3"]) hub.publish("t", text);
  await call.closed;
  assert.equal(call.trailers, undefined, "no status got through");
  const again = openStream(client, fanout.Subscribe, {
    patterns: ["t"],
    previousSubscriptionId: subscription?.id ?? "",
  });
  const [first] = await again.take(1);
  const { previousEnd } = frameFromWire(first!) as { previousEnd?: { reason: string; lost: number } };
  assert.equal(previousEnd?.reason, "overflow");
  const stranger = openStream(client, fanout.Subscribe, {
    patterns: ["t"],
    previousSubscriptionId: "guessed",
  });
  const [other] = await stranger.take(1);
  assert.equal(other?.started?.previousEnd, null);
});

test("a client that comes back on another stream ends the one that it left behind", async (t) => {
  const { hub, client } = await servedHub(t);
  const left = openStream(client, fanout.Subscribe, { patterns: ["t"] });
  await left.take(1);
  const [subscription] = hub.subscriptions();
  const again = openStream(client, fanout.Subscribe, {
    patterns: ["t"],
    previousSubscriptionId: subscription?.id ?? "",
  });
  await again.take(1);
  const status = await left.status;
  assert.equal(status.metadata.get("spillway-reason")[0], "replaced");
  assert.deepEqual(
    [...hub.subscriptions()].map(({ id }) => id === subscription?.id),
    [false],
  );
  again.call.cancel();
});
