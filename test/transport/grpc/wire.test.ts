import assert from "node:assert/strict";
import { test } from "node:test";
import fc, { type Arbitrary } from "fast-check";
import { SpillwayError } from "../../../src/errors.ts";
import { type Frame, OVERFLOW_POLICIES, type Start } from "../../../src/protocol/index.ts";
import { loadContracts, type WireSubscribeRequest } from "../../../src/transport/grpc/contracts.ts";
import {
  ackFromWire,
  frameFromWire,
  frameToWire,
  type RemoteStartedFrame,
  type SubscribeTerms,
  startedToWire,
  subscribeFromWire,
  subscribeToWire,
  toSafeInteger,
} from "../../../src/transport/grpc/wire.ts";

const { fanout } = loadContracts();

/** A record with the prototype that objects have. */
const record = <T>(model: { [K in keyof T]: Arbitrary<T[K]> }) =>
  fc.record<T>(model, { noNullPrototype: true }) as Arbitrary<T>;

const offset = fc.maxSafeNat();
const text = fc.string({ unit: "grapheme" });
const overflow = fc.constantFrom(...OVERFLOW_POLICIES);
const position = record({ epoch: text, offset });
/** At least one entry; what becomes of `__proto__` has a test of its own. */
const dictionary = fc
  .dictionary(text, text, { minKeys: 1, noNullPrototype: true })
  .filter((entries) => !Object.hasOwn(entries, "__proto__"));
const frames = fc.oneof(
  record({
    kind: fc.constant("message" as const),
    topic: text,
    offset,
    previousOffset: offset,
    key: fc.option(text, { nil: undefined }),
    headers: fc.option(dictionary, { nil: undefined }),
    // Microseconds on the wire.
    publishedAtMs: fc.nat({ max: 2 ** 42 }).map((us) => us / 1000),
    payload: fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    tombstone: fc.boolean(),
  }),
  record({
    kind: fc.constant("started" as const),
    subscriptionId: text,
    position,
    overflow,
    queue: record({ messages: fc.nat(), bytes: offset }),
    bounded: fc.subarray(["queue.messages", "queue.bytes", "max_age_ms"]),
    maxAgeMs: fc.option(fc.integer({ min: 1 }), { nil: undefined }),
    class: fc.option(fc.string({ minLength: 1, unit: "grapheme" }), { nil: undefined }),
  }),
  record({
    kind: fc.constant("gap" as const),
    topic: fc.option(text, { nil: undefined }),
    from: offset,
    to: offset,
    count: fc.option(offset, { nil: undefined }),
    reason: fc.constantFrom(
      "overflow",
      "oversize",
      "expired",
      "trimmed",
      "render-failed",
      "filter-failed" as const,
    ),
  }),
  record({ kind: fc.constant("progress" as const), position, conflated: offset }),
  record({
    kind: fc.constant("state" as const),
    state: fc.constantFrom("catching-up", "live", "parked", "draining" as const),
    overflow,
    rung: fc.nat({ max: 99 }),
  }),
);

function overTheWire(frame: Exclude<Frame, { kind: "end" }>) {
  const { responseSerialize, responseDeserialize } = fanout.Subscribe;
  return frameFromWire(responseDeserialize(responseSerialize(frameToWire(frame))));
}

test("every frame comes over the wire as it was sent", () => {
  fc.assert(fc.property(frames, (frame) => assert.deepEqual(overTheWire(frame), frame)));
});

test("a header with a name that means something to JavaScript does no harm", () => {
  const headers = JSON.parse('{"__proto__": "x", "constructor": "y"}');
  const frame = {
    kind: "message",
    topic: "t",
    offset: 1,
    previousOffset: 0,
    key: undefined,
    headers,
    tombstone: false,
  } as const;
  const received = overTheWire({ ...frame, publishedAtMs: 0, payload: Buffer.alloc(0) });
  assert.equal(received?.kind === "message" && received.headers?.constructor, "y");
  assert.equal(Object.getPrototypeOf({}), Object.prototype);
});

test("a label with a name that means something to JavaScript does no harm", () => {
  const labels = JSON.parse('{"__proto__": "x", "constructor": "y"}');
  const terms = received(subscribeToWire({ patterns: ["a"], labels }));
  assert.equal(terms.labels?.constructor, "y");
  assert.equal(Object.getPrototypeOf(terms.labels), Object.prototype);
});

test("no age limit is as good as one for ever", () => {
  const started = {
    kind: "started",
    subscriptionId: "s",
    position: { epoch: "e", offset: 0 },
    overflow: "evict",
    queue: { messages: 1, bytes: 1 },
    bounded: [],
    class: undefined,
  } as const;
  const { maxAgeMs } = overTheWire({ ...started, maxAgeMs: Number.POSITIVE_INFINITY }) as RemoteStartedFrame;
  assert.equal(maxAgeMs, undefined);
});

const starts: Arbitrary<Start> = fc.oneof(
  position,
  fc.constantFrom("oldest" as const, "snapshot" as const),
  record({ newest: fc.integer({ min: 1, max: 2 ** 32 - 1 }) }),
  // Microseconds on the wire.
  record({ sinceMs: fc.nat({ max: 2 ** 42 }).map((us) => us / 1000) }),
);

test("a subscribe request comes over the wire as it was asked", () => {
  const terms = record({
    patterns: fc.array(text),
    start: fc.option(starts, { nil: undefined }),
    overflow: fc.option(overflow, { nil: undefined }),
    queue: fc.option(record({ messages: fc.integer({ min: 1 }), bytes: fc.integer({ min: 1 }) }), {
      nil: undefined,
    }),
    filter: fc.option(record({ keys: fc.array(text), keyPrefixes: fc.array(text) }), { nil: undefined }),
    clientName: fc.option(fc.string({ minLength: 1, unit: "grapheme" }), { nil: undefined }),
    maxAgeMs: fc.option(fc.integer({ min: 1 }), { nil: undefined }),
    minIntervalMs: fc.option(fc.integer({ min: 1 }), { nil: undefined }),
    lingerMs: fc.option(fc.integer({ min: 1 }), { nil: undefined }),
    labels: fc.option(dictionary, { nil: undefined }),
  });
  fc.assert(fc.property(terms, (asked) => assert.deepEqual(received(subscribeToWire(asked)), asked)));
});

test("a start or an age that the contract cannot carry is refused before it is sent", () => {
  const bad = [
    { start: { newest: 0 } },
    { start: { newest: 1.5 } },
    { start: { newest: 2 ** 32 } },
    { start: { sinceMs: Number.NaN } },
    { start: { sinceMs: Number.POSITIVE_INFINITY } },
    { maxAgeMs: 0 },
    { maxAgeMs: -1 },
    { maxAgeMs: Number.NaN },
    { minIntervalMs: -1 },
    { lingerMs: -1 },
    { minIntervalMs: Number.POSITIVE_INFINITY },
  ];
  for (const terms of bad) assert.throws(() => subscribeToWire({ patterns: ["a"], ...terms }), RangeError);
});

test("a time before 1970 is all, a fraction of a millisecond is a whole one, and no age limit is none", () => {
  const since = received(subscribeToWire({ patterns: ["a"], start: { sinceMs: -5 } }));
  assert.deepEqual(since.start, { sinceMs: 0 });
  assert.equal(received(subscribeToWire({ patterns: ["a"], maxAgeMs: 0.25 })).maxAgeMs, 1);
  const forEver = received(subscribeToWire({ patterns: ["a"], maxAgeMs: Number.POSITIVE_INFINITY }));
  assert.equal(forEver.maxAgeMs, undefined);
});

test("how an earlier subscription ended comes with the first frame", () => {
  const frame = {
    kind: "started",
    subscriptionId: "new",
    position: { epoch: "e", offset: 9 },
    overflow: "park",
    queue: { messages: 1, bytes: 1 },
    bounded: ["queue.bytes"],
    maxAgeMs: 1_000,
    class: "dashboards",
  } as const;
  const previousEnd = { reason: "stalled", offset: 7, lost: 3 };
  const { responseSerialize, responseDeserialize } = fanout.Subscribe;
  const bytes = responseSerialize({ started: startedToWire(frame, previousEnd) });
  assert.deepEqual(frameFromWire(responseDeserialize(bytes)), { ...frame, previousEnd });
});

test("live, and bounds of which one is left open, are the server's defaults", () => {
  const terms = received(subscribeToWire({ patterns: ["a"], start: "live", queue: { bytes: 7 } }));
  assert.equal(terms.start, undefined);
  assert.deepEqual(terms.queue, { bytes: 7 });
});

function received(wire: WireSubscribeRequest): SubscribeTerms {
  const { requestSerialize, requestDeserialize } = fanout.Subscribe;
  return subscribeFromWire(requestDeserialize(requestSerialize(wire)));
}

const refused = (wire: WireSubscribeRequest) => {
  try {
    received(wire);
  } catch (error) {
    assert.ok(error instanceof SpillwayError);
    return { code: error.code, field: error.field, message: error.message };
  }
  return assert.fail("was accepted");
};

test("an offset that no JavaScript number holds is refused, with its field", () => {
  const { code, field, message } = refused({ position: { epoch: "e", offset: "9007199254740992" } });
  assert.equal(code, "POSITION_INVALID");
  assert.equal(field, "position.offset");
  assert.match(message, /from 0 to 9007199254740991, got "9007199254740992"/);
});

test("a queue bound that no JavaScript number holds is refused, with its field", () => {
  const { code, field } = refused({ queue: { bytes: "18446744073709551615" } });
  assert.equal(code, "REQUEST_INVALID");
  assert.equal(field, "queue.bytes");
});

test("an overflow policy that this version does not know is refused, naming those it does", () => {
  const { code, field, message } = refused({ overflow: 77 });
  assert.equal(code, "REQUEST_INVALID");
  assert.equal(field, "overflow");
  assert.match(message, /OVERFLOW_POLICY_CONFLATE/);
  assert.match(message, /got 77/);
});

test("a client tolerates what a newer server sends", () => {
  assert.equal(frameFromWire({}), undefined);
  assert.equal(frameFromWire({ frame: "state", state: { state: 9 } }), undefined);
  const gap = frameFromWire({ frame: "gap", gap: { from: "3", to: "4", count: "2", reason: 99 } });
  assert.deepEqual(gap, { kind: "gap", topic: undefined, from: 3, to: 4, count: 2, reason: "overflow" });
});

test("a client refuses an offset that it could only get wrong", () => {
  assert.throws(
    () => frameFromWire({ frame: "message", message: { offset: "9007199254740993" } }),
    RangeError,
  );
  assert.throws(() => ackFromWire({ epoch: "e", offsets: ["1", "18446744073709551615"] }), RangeError);
});

test("only plain digits within range are a safe integer", () => {
  assert.equal(toSafeInteger(undefined), 0);
  assert.equal(toSafeInteger("9007199254740991"), Number.MAX_SAFE_INTEGER);
  for (const bad of ["", " 1", "-1", "1e3", "0x10", "1.5", "9007199254740992", -1, 1.5, Number.NaN]) {
    assert.equal(toSafeInteger(bad), undefined, `${bad}`);
  }
});
