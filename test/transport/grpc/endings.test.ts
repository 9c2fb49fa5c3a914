import assert from "node:assert/strict";
import { test } from "node:test";
import type { CloseReason, EndFrame } from "../../../src/protocol/index.ts";
import { loadContracts } from "../../../src/transport/grpc/contracts.ts";
import { Endings } from "../../../src/transport/grpc/endings.ts";
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

test("an end is remembered by its id, also when it was asked for before", () => {
  const endings = new Endings();
  endings.remember("a", end("stalled"));
  assert.deepEqual(endings.recall("a"), { reason: "stalled", offset: 7, lost: 3 });
  assert.deepEqual(endings.recall("a"), { reason: "stalled", offset: 7, lost: 3 });
  for (const unknown of ["b", "", undefined, "__proto__"]) assert.equal(endings.recall(unknown), undefined);
});

test("those who left by themselves are not kept", () => {
  const endings = new Endings();
  endings.remember("a", end("cancelled"));
  assert.equal(endings.recall("a"), undefined);
});

test("beyond the bound the oldest is forgotten", () => {
  const endings = new Endings(2);
  for (const [index, id] of ["a", "b", "c"].entries()) endings.remember(id, end("slow", index));
  assert.equal(endings.recall("a"), undefined);
  assert.equal(endings.recall("b")?.offset, 1);
  assert.equal(endings.recall("c")?.offset, 2);
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
