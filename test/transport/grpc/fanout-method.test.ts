import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Metadata, status } from "@grpc/grpc-js";
import { SpillwayError } from "../../../src/errors.ts";
import { Hub, type HubOptions, type Message } from "../../../src/fanout/index.ts";
import { type FanoutMethodOptions, fanoutMethod } from "../../../src/transport/grpc/index.ts";
import { readStatus } from "../../../src/transport/grpc/status.ts";
import { openStream } from "../../support/grpc-calls.ts";
import { plain, QUOTES, type Quote, type WatchRequest } from "../../support/grpc-quotes.ts";
import { rawClient } from "../../support/grpc-raw-client.ts";
import { eventually, servedHub } from "../../support/grpc-served-hub.ts";

type WatchOptions = Partial<FanoutMethodOptions<WatchRequest, Quote>>;

const textOf = ({ payload }: Message): string => Buffer.from(payload).toString();
const quoteOf = (message: Message): Quote => ({ symbol: message.topic.slice(7), price: textOf(message) });

/** The user's own service on a server, with its Watch as a fan-out of `quotes.SYMBOL`. */
function quotes(t: TestContext, watchOptions: WatchOptions = {}, hubOptions: HubOptions = {}) {
  return servedHub(t, { fanout: false, longlived: false }, hubOptions, (hub) => ({
    services(server) {
      const watch = fanoutMethod(QUOTES.Watch, {
        hub,
        ...(watchOptions.subscribe === undefined
          ? { topic: (request: WatchRequest) => (request.symbols ?? []).map((symbol) => `quotes.${symbol}`) }
          : {}),
        ...(watchOptions.render === undefined ? { message: quoteOf } : {}),
        ...watchOptions,
      });
      server.addService({ ...QUOTES, Watch: watch.definition }, { Watch: watch.handler });
    },
  }));
}

const publishQuote = (hub: Hub, symbol: string, price: string) => hub.publish(`quotes.${symbol}`, price);
const quote = (symbol: string, price: string): Quote => ({ symbol, price });

test("a method of a user's own service becomes a fan-out", async (t) => {
  const { hub, client } = await quotes(t);
  const both = openStream(client, QUOTES.Watch, { symbols: ["ACME", "INIT"] });
  const one = openStream(client, QUOTES.Watch, { symbols: ["INIT"] });
  await Promise.all([both.live, one.live]);
  publishQuote(hub, "ACME", "1.0");
  publishQuote(hub, "INIT", "2.0");
  assert.deepEqual(plain(await both.take(2)), [quote("ACME", "1.0"), quote("INIT", "2.0")]);
  assert.deepEqual(plain(await one.take(1)), [quote("INIT", "2.0")]);
});

test("whoever has the headers gets what is published from then on", async (t) => {
  const { hub, client } = await quotes(t);
  for (let round = 0; round < 20; round++) {
    const stream = openStream(client, QUOTES.Watch, { symbols: ["ACME"] });
    await stream.live;
    publishQuote(hub, "ACME", String(round));
    assert.deepEqual(plain(await stream.take(1)), [quote("ACME", String(round))]);
    stream.call.cancel();
  }
});

test("a message is encoded once, however many subscribers there are", async (t) => {
  let encodings = 0;
  const { hub, client } = await quotes(t, {
    message(message) {
      encodings++;
      return quoteOf(message);
    },
  });
  const streams = Array.from({ length: 20 }, () => openStream(client, QUOTES.Watch, { symbols: ["ACME"] }));
  await Promise.all(streams.map(({ live }) => live));
  for (let i = 0; i < 5; i++) publishQuote(hub, "ACME", String(i));
  for (const stream of streams) {
    assert.deepEqual(
      (await stream.take(5)).map(({ price }) => price),
      ["0", "1", "2", "3", "4"],
    );
  }
  assert.equal(encodings, 5);
});

test("without a message hook the payload is the encoded response", async (t) => {
  const { hub, client } = await servedHub(t, {}, {}, (hub) => ({
    services(server) {
      const watch = fanoutMethod(QUOTES.Watch, { hub, topic: () => "encoded" });
      server.addService({ Watch: watch.definition }, { Watch: watch.handler });
    },
  }));
  const stream = openStream(client, QUOTES.Watch, {});
  await stream.live;
  hub.publish("encoded", QUOTES.Watch.responseSerialize(quote("ACME", "3.0")));
  assert.deepEqual(plain(await stream.take(1)), [quote("ACME", "3.0")]);
});

test("without batching a subscriber gets the same", async (t) => {
  const { hub, client } = await quotes(t, { batching: "off" });
  const stream = openStream(client, QUOTES.Watch, { symbols: ["ACME"] });
  await stream.live;
  const prices = Array.from({ length: 100 }, (_, i) => String(i));
  for (const price of prices) publishQuote(hub, "ACME", price);
  assert.deepEqual(
    (await stream.take(100)).map(({ price }) => price),
    prices,
  );
});

test("render makes each subscriber its own response, or none", async (t) => {
  const { hub, client } = await quotes(t, {
    render: (message, { request, subscription }) =>
      request.reader === "nobody"
        ? undefined
        : { ...quoteOf(message), symbol: `${request.reader} ${subscription.state}` },
  });
  const nobody = openStream(client, QUOTES.Watch, { symbols: ["ACME"], reader: "nobody" });
  const ada = openStream(client, QUOTES.Watch, { symbols: ["ACME"], reader: "ada" });
  const bob = openStream(client, QUOTES.Watch, { symbols: ["ACME"], reader: "bob" });
  await Promise.all([nobody.live, ada.live, bob.live]);
  publishQuote(hub, "ACME", "1.0");
  assert.deepEqual(plain(await ada.take(1)), [quote("ada live", "1.0")]);
  assert.deepEqual(plain(await bob.take(1)), [quote("bob live", "1.0")]);
  assert.deepEqual(nobody.received, []);
});

test("a render hook that throws costs one subscriber one message, and it is told", async (t) => {
  const { hub, client, hookErrors } = await quotes(t, {
    render(message, { request }) {
      if (request.reader === "unlucky" && textOf(message) === "2.0") throw new Error("internals");
      return quoteOf(message);
    },
    control: (frame) => (frame.kind === "gap" ? { missed: frame.count ?? 0 } : undefined),
  });
  const unlucky = openStream(client, QUOTES.Watch, { symbols: ["ACME"], reader: "unlucky" });
  const other = openStream(client, QUOTES.Watch, { symbols: ["ACME"], reader: "other" });
  await Promise.all([unlucky.live, other.live]);
  for (const price of ["1.0", "2.0", "3.0"]) publishQuote(hub, "ACME", price);
  assert.deepEqual(plain(await unlucky.take(3)), [quote("ACME", "1.0"), { missed: 1 }, quote("ACME", "3.0")]);
  assert.deepEqual(
    (await other.take(3)).map(({ price }) => price),
    ["1.0", "2.0", "3.0"],
  );
  assert.deepEqual(
    hookErrors.map(([hook]) => hook),
    ["render of /quotes.Quotes/Watch"],
  );
  await hub.close();
  const { details, metadata } = await unlucky.status;
  assert.doesNotMatch(details, /internals/);
  assert.deepEqual(metadata.get("spillway-lost"), ["1"]);
  assert.deepEqual((await other.status).metadata.get("spillway-lost"), ["0"]);
});

test("a message hook that throws loses the message for all, reported once", async (t) => {
  const { hub, client, hookErrors } = await quotes(t, {
    message(message) {
      if (textOf(message) === "2.0") throw new Error("internals");
      return quoteOf(message);
    },
    control: (frame) => (frame.kind === "gap" ? { missed: frame.count ?? 0 } : undefined),
  });
  const streams = [1, 2].map(() => openStream(client, QUOTES.Watch, { symbols: ["ACME"] }));
  await Promise.all(streams.map(({ live }) => live));
  for (const price of ["1.0", "2.0", "3.0"]) publishQuote(hub, "ACME", price);
  for (const stream of streams) {
    assert.deepEqual(plain(await stream.take(3)), [
      quote("ACME", "1.0"),
      { missed: 1 },
      quote("ACME", "3.0"),
    ]);
  }
  assert.equal(hookErrors.length, 1);
});

test("a response that cannot be serialized is a loss like any other", async (t) => {
  const { hub, client, hookErrors } = await quotes(t, {
    message: (message) => (textOf(message) === "2.0" ? ([] as unknown as Quote) : quoteOf(message)),
  });
  const stream = openStream(client, QUOTES.Watch, { symbols: ["ACME"] });
  await stream.live;
  for (const price of ["1.0", "2.0", "3.0"]) publishQuote(hub, "ACME", price);
  assert.deepEqual(
    (await stream.take(2)).map(({ price }) => price),
    ["1.0", "3.0"],
  );
  assert.equal(hookErrors.length, 1);
});

test("a control hook that throws costs its notice only", async (t) => {
  const { hub, client, hookErrors } = await quotes(t, {
    control() {
      throw new Error("internals");
    },
  });
  const stream = openStream(client, QUOTES.Watch, { symbols: ["ACME"] });
  await stream.live;
  publishQuote(hub, "ACME", "1.0");
  assert.deepEqual(plain(await stream.take(1)), [quote("ACME", "1.0")]);
  assert.deepEqual(
    hookErrors.map(([hook]) => hook),
    ["control of /quotes.Quotes/Watch"],
  );
});

test("an onStart hook that throws leaves its subscription live", async (t) => {
  const { hub, client, hookErrors } = await quotes(t, {
    onStart() {
      throw new Error("internals");
    },
  });
  const stream = openStream(client, QUOTES.Watch, { symbols: ["ACME"] });
  await stream.live;
  publishQuote(hub, "ACME", "1.0");
  await stream.take(1);
  assert.equal(hookErrors.length, 1);
});

test("onStart gets the live subscription, and can end it", async (t) => {
  const { client } = await quotes(t, {
    onStart(subscription, request) {
      assert.equal(subscription.state, "live");
      if (request.reader === "unwanted") subscription.end("completed", "nothing for you here");
    },
  });
  const stream = openStream(client, QUOTES.Watch, { symbols: ["ACME"], reader: "unwanted" });
  assert.equal((await stream.status).code, status.OK);
});

for (const hook of ["subscribe", "admit"] as const) {
  test(`${hook} refuses with its SpillwayError, before any header`, async (t) => {
    const refuse = (): never => {
      throw new SpillwayError("LIMIT_REACHED", "come back later");
    };
    const { address, client, hookErrors } = await quotes(t, { [hook]: refuse });
    const { code, details, metadata } = await openStream(client, QUOTES.Watch, { symbols: ["ACME"] }).status;
    assert.equal(code, status.RESOURCE_EXHAUSTED);
    assert.equal(details, "come back later");
    const { retryAfterMs } = readStatus({ code, details, metadata });
    assert.ok(retryAfterMs !== undefined && retryAfterMs >= 500 && retryAfterMs <= 1_500);
    assert.deepEqual(hookErrors, []);
    const raw = (await rawClient(t, address, { window: 0 })).call(QUOTES.Watch.path);
    await raw.headers;
    assert.equal(raw.endedWithHeaders, true);
  });

  test(`another error in ${hook} refuses without saying why, and is reported`, async (t) => {
    const fail = (): never => {
      throw new Error("internals");
    };
    const { client, hookErrors } = await quotes(t, { [hook]: fail });
    const { code, details } = await openStream(client, QUOTES.Watch, { symbols: ["ACME"] }).status;
    assert.equal(code, status.INTERNAL);
    assert.doesNotMatch(details, /internals/);
    assert.deepEqual(
      hookErrors.map(([name]) => name),
      [`${hook} of /quotes.Quotes/Watch`],
    );
  });
}

test("a bad pattern is refused with its field, and nobody is asked to authorize it", async (t) => {
  let asked = 0;
  const authorize = () => {
    asked++;
    return undefined;
  };
  const { client } = await quotes(t, {}, { authorize });
  const { code, details, metadata } = await openStream(client, QUOTES.Watch, { symbols: ["a..b"] }).status;
  assert.equal(code, status.INVALID_ARGUMENT);
  assert.match(details, /quotes\.a\.\.b/);
  assert.equal(readStatus({ code, details, metadata }).field, "patterns");
  assert.equal(asked, 0);
});

test("authorize sees who asks for what, and its refusal reaches the caller", async (t) => {
  const { hub, client } = await quotes(
    t,
    {},
    {
      async authorize({ action, topics, headers, peer }) {
        assert.equal(action, "subscribe");
        assert.deepEqual(topics, ["quotes.ACME"]);
        assert.match(peer ?? "", /^127\.0\.0\.1:\d+$/);
        if (headers?.authorization !== "Bearer right")
          throw new SpillwayError("UNAUTHENTICATED", "who are you?");
        return { identity: "ada", class: "gold" };
      },
    },
  );
  const refused = await openStream(client, QUOTES.Watch, { symbols: ["ACME"] }).status;
  assert.equal(refused.code, status.UNAUTHENTICATED);
  assert.equal(refused.details, "who are you?");
  const metadata = new Metadata();
  metadata.set("authorization", "Bearer right");
  const stream = openStream(client, QUOTES.Watch, { symbols: ["ACME"] }, metadata);
  await stream.live;
  const [subscription] = hub.subscriptions();
  assert.equal(subscription?.stats().identity, "ada");
  assert.equal(subscription?.stats().class, "gold");
});

test("a client that gives up while it is being authorized leaves nothing behind", async (t) => {
  let decide = (): void => {};
  let asked = (): void => {};
  const whenAsked = new Promise<void>((resolve) => {
    asked = resolve;
  });
  let admitted = 0;
  const { hub, client } = await quotes(
    t,
    { admit: () => void admitted++ },
    {
      authorize: () =>
        new Promise((resolve) => {
          decide = () => resolve({});
          asked();
        }),
    },
  );
  const stream = openStream(client, QUOTES.Watch, { symbols: ["ACME"] });
  await whenAsked;
  stream.call.cancel();
  assert.equal((await stream.status).code, status.CANCELLED);
  // Another call on the same connection: when it is answered, the server has seen the cancel.
  const later = openStream(client, QUOTES.Latest as never, {});
  assert.equal((await later.status).code, status.UNIMPLEMENTED);
  decide();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(admitted, 0);
  assert.equal([...hub.subscriptions()].length, 0);
});

test("a hub that is closing refuses at once, without asking anybody", async (t) => {
  const { hub, client } = await quotes(t, {}, { authorize: () => assert.fail("was asked") });
  await hub.close();
  const refused = await openStream(client, QUOTES.Watch, { symbols: ["ACME"] }).status;
  assert.equal(refused.code, status.UNAVAILABLE);
  assert.equal(readStatus(refused).advice, "resume");
});

test("a full hub refuses at once, and those who are in stay", async (t) => {
  const { hub, client } = await quotes(t, {}, { maxSubscriptions: 1 });
  const first = openStream(client, QUOTES.Watch, { symbols: ["ACME"] });
  await first.live;
  const second = await openStream(client, QUOTES.Watch, { symbols: ["ACME"] }).status;
  assert.equal(second.code, status.RESOURCE_EXHAUSTED);
  assert.equal(readStatus(second).reason, "refused");
  publishQuote(hub, "ACME", "1.0");
  await first.take(1);
});

test("a client that goes away is forgotten", async (t) => {
  const { hub, client } = await quotes(t);
  const stream = openStream(client, QUOTES.Watch, { symbols: ["ACME"] });
  await stream.live;
  stream.call.cancel();
  await eventually(() => hub.stats().ended.cancelled === 1);
  assert.equal([...hub.subscriptions()].length, 0);
});

test("a subscriber that takes nothing is evicted for real, and nothing of it stays on the server", async (t) => {
  const { hub, address, client } = await quotes(t, {
    endGraceMs: 20,
    subscribe: () => ({ patterns: "quotes.>", overflow: "evict", queue: { messages: 4 } }),
  });
  const healthy = openStream(client, QUOTES.Watch, {});
  await healthy.live;
  const raw = (await rawClient(t, address, { window: 0 })).call(QUOTES.Watch.path);
  await raw.headers;
  for (let i = 1; hub.stats().ended.overflow !== 1; i++) {
    publishQuote(hub, "ACME", String(i));
    await healthy.take(i);
  }
  await raw.closed;
  assert.notEqual(raw.stream.rstCode, 0);
});

test("misuse is a TypeError that names the method", () => {
  const hub = new Hub();
  const topic = () => "t";
  const message = () => ({});
  assert.throws(() => fanoutMethod(QUOTES.Latest, { hub, topic }), /TypeError: \/quotes.Quotes\/Latest must/);
  assert.throws(() => fanoutMethod(QUOTES.Watch, { hub }), /TypeError: .*either topic or subscribe/);
  assert.throws(
    () => fanoutMethod(QUOTES.Watch, { hub, topic, subscribe: () => ({ patterns: "t" }) }),
    /TypeError: .*either topic or subscribe/,
  );
  assert.throws(
    () => fanoutMethod(QUOTES.Watch, { hub, topic, message, render: message }),
    /TypeError: .*not both/,
  );
  assert.throws(() => fanoutMethod(QUOTES.Watch, { hub, topic, endGraceMs: -1 }), /RangeError: endGraceMs/);
  assert.throws(
    () => fanoutMethod(QUOTES.Watch, { hub, topic, batching: "yes" as "auto" }),
    /TypeError: batching must be "auto" or "off"/,
  );
});
