/**
 * The gate, encoding: a message is put into protobuf once, however many subscribers it goes to. Counted at the
 * serializer that the contract's loader made.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { MethodDefinition } from "@grpc/grpc-js";
import type { Hub } from "../../src/fanout/index.ts";
import { fanoutMethod, loadContracts } from "../../src/transport/grpc/index.ts";
import { type ObservedCall, openStream } from "../support/grpc-calls.ts";
import { QUOTES, type Quote, type WatchRequest } from "../support/grpc-quotes.ts";
import { eventually, servedHub } from "../support/grpc-served-hub.ts";

const SUBSCRIBERS = 100;
const MESSAGES = 5;

/** Publishes, and sees every subscriber receive. */
async function fanOut(hub: Hub, topic: string, streams: readonly ObservedCall<unknown>[]): Promise<void> {
  const before = streams[0]!.received.length;
  for (let message = 0; message < MESSAGES; message++) {
    hub.publish(topic, "payload");
    // Not one batch: what is encoded for one write is still there for the next.
    await Promise.all(streams.map((stream) => stream.take(before + message + 1)));
  }
  for (const { call } of streams) call.cancel();
}

test("a message of a user's own service is encoded once for a hundred subscribers", async (t) => {
  let encodings = 0;
  const counted: MethodDefinition<WatchRequest, Quote> = {
    ...QUOTES.Watch,
    responseSerialize(quote) {
      encodings++;
      return QUOTES.Watch.responseSerialize(quote);
    },
  };
  const { hub, client } = await servedHub(t, { fanout: false, longlived: false }, {}, (hub) => ({
    services(server) {
      const watch = fanoutMethod(counted, { hub, topic: () => "quotes", message: () => ({ price: "1" }) });
      server.addService({ ...QUOTES, Watch: watch.definition }, { Watch: watch.handler });
    },
  }));
  const streams = Array.from({ length: SUBSCRIBERS }, () => openStream(client, QUOTES.Watch, {}));
  await Promise.all(streams.map(({ live }) => live));
  await fanOut(hub, "quotes", streams);
  assert.equal(encodings, MESSAGES);
});

test("a message of spillway.v1 is encoded once for a hundred subscribers", async (t) => {
  const { Subscribe } = loadContracts().fanout;
  const serialize = t.mock.method(Subscribe, "responseSerialize").mock;
  const { hub, client } = await servedHub(t, { longlived: false });
  const streams = Array.from({ length: SUBSCRIBERS }, () =>
    openStream(client, Subscribe, { patterns: ["a"] }),
  );
  // Every subscriber's first frame is its own.
  await Promise.all(streams.map((stream) => stream.take(1)));
  assert.equal(serialize.callCount(), SUBSCRIBERS);
  serialize.resetCalls();
  await fanOut(hub, "a", streams);
  await eventually(() => hub.stats().subscriptions.live === 0);
  assert.equal(serialize.callCount(), MESSAGES);
});
