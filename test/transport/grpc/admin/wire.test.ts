import assert from "node:assert/strict";
import { test } from "node:test";
import fc, { type Arbitrary } from "fast-check";
import { OVERFLOW_POLICIES } from "../../../../src/protocol/index.ts";
import type {
  BooksReport,
  ListQuery,
  Rates,
  StatsReport,
  SubscriptionReport,
} from "../../../../src/transport/grpc/admin/reports.ts";
import {
  queryFromWire,
  queryToWire,
  statsFromWire,
  statsToWire,
  subscriptionFromWire,
  subscriptionToWire,
} from "../../../../src/transport/grpc/admin/wire.ts";
import { loadContracts } from "../../../../src/transport/grpc/contracts.ts";

const { admin } = loadContracts();

/** A record with the prototype that objects have. */
const record = <T>(model: { [K in keyof T]: Arbitrary<T[K]> }) =>
  fc.record<T>(model, { noNullPrototype: true }) as Arbitrary<T>;
const maybe = <T>(value: Arbitrary<T>) => fc.option(value, { nil: undefined });

const count = fc.maxSafeNat();
const small = fc.nat({ max: 2 ** 31 });
const text = fc.string({ unit: "grapheme" });
const name = fc.string({ minLength: 1, unit: "grapheme" });
const perSecond = fc.double({ min: 0, noNaN: true, max: 1e9 });
const health = fc.constantFrom("stalled", "slow", "good" as const);
const state = fc.constantFrom("live", "catching-up", "parked", "draining" as const);
const position = record({ epoch: text, offset: count });
const bounds = record({ messages: small, bytes: count });
const rates = {
  windowMs: small,
  matched: perSecond,
  delivered: perSecond,
  lost: perSecond,
  conflated: perSecond,
};

const books: { [Name in keyof BooksReport]: Arbitrary<BooksReport[Name]> } = {
  matched: count,
  delivered: count,
  dropped: record({ overflow: count, oversize: count, "render-failed": count, "filter-failed": count }),
  conflated: count,
  expired: count,
  queued: count,
  inFlight: count,
  discardedAtClose: count,
};

const subscriptions = record<SubscriptionReport>({
  ...books,
  id: text,
  clientName: maybe(name),
  identity: maybe(name),
  class: maybe(name),
  labels: fc
    .dictionary(text, text, { noNullPrototype: true })
    .filter((labels) => !Object.hasOwn(labels, "__proto__")),
  patterns: fc.array(text),
  peer: maybe(name),
  // Microseconds on the wire.
  startedAtMs: fc.nat({ max: 2 ** 42 }).map((us) => us / 1000),
  health,
  state,
  delivery: fc.constantFrom("idle", "writing", "stalled", "paused" as const),
  slow: fc.boolean(),
  overflow: fc.constantFrom(...OVERFLOW_POLICIES),
  rung: fc.nat({ max: 99 }),
  capacity: bounds,
  queuedBytes: count,
  peakQueued: small,
  peakQueuedBytes: count,
  inFlightBytes: count,
  writeAgeMs: maybe(count),
  lagMs: count,
  deliveredBytes: count,
  replayed: count,
  batches: count,
  gaps: count,
  stalls: count,
  position,
  rates: maybe(record<Rates>(rates)),
});

const counts = fc
  .dictionary(name, count, { noNullPrototype: true })
  .filter((entries) => !Object.hasOwn(entries, "__proto__"));

const stats = record<StatsReport>({
  ...books,
  position,
  published: count,
  publishedBytes: count,
  topics: count,
  subscriptions: record({
    live: count,
    "catching-up": count,
    parked: count,
    draining: count,
    stalled: count,
  }),
  ended: counts,
  queuedBytes: count,
  inFlightBytes: count,
  deliveredBytes: count,
  replayed: count,
  batches: count,
  slow: count,
  worstLagMs: count,
  retained: record({ messages: count, bytes: count }),
  brake: fc.constantFrom("off", "paused", "paced" as const),
  evictionsHeldBack: count,
  refused: record({ publishes: counts, subscriptions: counts }),
  rates: maybe(record({ ...rates, published: perSecond })),
});

test("what is told of a subscription comes over the wire as it was sent", () => {
  const { responseSerialize, responseDeserialize } = admin.Evict;
  fc.assert(
    fc.property(subscriptions, (report) => {
      const wire = responseDeserialize(responseSerialize({ subscription: subscriptionToWire(report) }));
      assert.deepEqual(subscriptionFromWire(wire.subscription!), report);
    }),
  );
});

test("the books come over the wire as they were sent", () => {
  const { responseSerialize, responseDeserialize } = admin.GetStats;
  fc.assert(
    fc.property(stats, (report) => {
      assert.deepEqual(statsFromWire(responseDeserialize(responseSerialize(statsToWire(report)))), report);
    }),
  );
});

test("a query comes over the wire as it was asked", () => {
  const { requestSerialize, requestDeserialize } = admin.ListSubscriptions;
  const queries = record<ListQuery>({
    health: maybe(fc.uniqueArray(health, { minLength: 1 })),
    states: maybe(fc.uniqueArray(state, { minLength: 1 })),
    class: maybe(name),
    clientNamePrefix: maybe(name),
    topicPattern: maybe(name),
    idPrefix: maybe(name),
    limit: maybe(fc.integer({ min: 1, max: 10_000 })),
    windowMs: maybe(fc.nat({ max: 60_000 })),
  });
  fc.assert(
    fc.property(queries, (query) => {
      const wire = requestDeserialize(requestSerialize(queryToWire(query)));
      assert.deepEqual(queryFromWire(wire), query);
    }),
  );
});

test("times are rounded to whole milliseconds", () => {
  const [report] = fc.sample(subscriptions, 1) as [SubscriptionReport];
  const read = subscriptionFromWire(subscriptionToWire({ ...report, lagMs: 1.6, writeAgeMs: 0.4 }));
  assert.deepEqual([read.lagMs, read.writeAgeMs], [2, 0]);
});

test("a value that a newer server has is tolerated, and reads as the most harmless one", () => {
  const read = subscriptionFromWire({ health: 99, state: 99, delivery: "DELIVERY_NEW", overflow: 99 });
  assert.deepEqual(
    [read.health, read.state, read.delivery, read.overflow],
    ["good", "live", "idle", "drop-oldest"],
  );
  const { rates, brake } = statsFromWire({ stats: { evictionBrake: "EVICTION_BRAKE_NEW" } });
  assert.deepEqual([rates, brake], [undefined, "off"]);
});

test("a number that no JavaScript number holds is an error, not another number", () => {
  const beyond = "9007199254740993";
  assert.throws(() => subscriptionFromWire({ lagMs: beyond }), /lag_ms = "9007199254740993"/);
  assert.throws(() => statsFromWire({ stats: { ended: { slow: beyond } } }), /the server sent ended/);
});

test("a query for a value that this server does not know is refused, with the field", () => {
  const refusal = (field: string) => ({ code: "REQUEST_INVALID", field });
  assert.throws(() => queryFromWire({ health: ["HEALTH_GOOD", 99] }), refusal("health"));
  assert.throws(() => queryFromWire({ health: ["HEALTH_UNSPECIFIED"] }), refusal("health"));
  assert.throws(() => queryFromWire({ states: ["SUBSCRIPTION_STATE_NEW"] }), {
    ...refusal("states"),
    message: /expected states to be of SUBSCRIPTION_STATE_CATCHING_UP, .*; got "SUBSCRIPTION_STATE_NEW"/,
  });
});

test("a query for more values than there are is refused, with the field, before it costs anything", () => {
  const refusal = (field: string) => ({ code: "REQUEST_INVALID", field });
  assert.throws(() => queryFromWire({ health: Array(4).fill("HEALTH_STALLED") }), {
    ...refusal("health"),
    message: "expected health to have at most 3 values, each once; got 4",
  });
  assert.throws(() => queryFromWire({ states: Array(5).fill("SUBSCRIPTION_STATE_LIVE") }), refusal("states"));
  let looks = 0;
  const many = new Proxy(Array(4_000_000).fill("HEALTH_STALLED"), {
    get(target, name, receiver) {
      if (name !== "length") looks++;
      return Reflect.get(target, name, receiver);
    },
  });
  assert.throws(() => queryFromWire({ health: many }), refusal("health"));
  assert.equal(looks, 0);
});

test("a query that says a value twice means it once, on both sides", () => {
  const said = queryToWire({ health: Array(9).fill("slow"), states: ["live", "parked", "live"] });
  assert.deepEqual(said.health, ["HEALTH_SLOW"]);
  assert.deepEqual(queryFromWire(said), {
    ...queryFromWire({}),
    health: ["slow"],
    states: ["live", "parked"],
  });
  const { health } = queryFromWire({ health: ["HEALTH_GOOD", "HEALTH_SLOW", "HEALTH_GOOD"] });
  assert.deepEqual(health, ["good", "slow"]);
});

test("labels with names that mean something to JavaScript do no harm", () => {
  const labels = JSON.parse('{"__proto__": "x", "constructor": "y"}');
  const [report] = fc.sample(subscriptions, 1) as [SubscriptionReport];
  const { responseSerialize, responseDeserialize } = admin.Evict;
  const bytes = responseSerialize({ subscription: subscriptionToWire({ ...report, labels }) });
  const read = subscriptionFromWire(responseDeserialize(bytes).subscription!);
  assert.equal(read.labels.constructor, "y");
  assert.equal(Object.getPrototypeOf(read.labels), Object.prototype);
});
