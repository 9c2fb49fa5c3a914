/** Positions as strangers send them, and positions at the edges of what is retained. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { status } from "@grpc/grpc-js";
import type { Frame, Start } from "../../../src/protocol/index.ts";
import { loadContracts, type WireSubscribeRequest } from "../../../src/transport/grpc/contracts.ts";
import { readStatus } from "../../../src/transport/grpc/status.ts";
import { frameFromWire, subscribeToWire } from "../../../src/transport/grpc/wire.ts";
import { callUnary, type ObservedCall, openStream } from "../../support/grpc-calls.ts";
import { rawClient } from "../../support/grpc-raw-client.ts";
import { eventually, type ServedHub, servedHub } from "../../support/grpc-served-hub.ts";

const { fanout } = loadContracts();

const start = (t: TestContext, messages = 4): Promise<ServedHub> =>
  servedHub(t, { longlived: false }, { epoch: "e1", retention: { messages } });

type Response = Parameters<typeof frameFromWire>[0];

const framesOf = (stream: ObservedCall<Response>): Frame[] =>
  stream.received.map((response) => frameFromWire(response)!);

const ABUSE: readonly [
  what: string,
  request: WireSubscribeRequest,
  code: status,
  error: string,
  field: string,
][] = [
  [
    "an offset that was never handed out",
    { position: { epoch: "e1", offset: 11 } },
    status.INVALID_ARGUMENT,
    "POSITION_INVALID",
    "position",
  ],
  [
    "-1, which is 2^64 - 1 on the wire",
    { position: { epoch: "e1", offset: "18446744073709551615" } },
    status.INVALID_ARGUMENT,
    "POSITION_INVALID",
    "position.offset",
  ],
  [
    "2^53",
    { position: { epoch: "e1", offset: "9007199254740992" } },
    status.INVALID_ARGUMENT,
    "POSITION_INVALID",
    "position.offset",
  ],
  [
    "another epoch",
    { position: { epoch: "e0", offset: 3 } },
    status.FAILED_PRECONDITION,
    "EPOCH_MISMATCH",
    "position",
  ],
  ["no epoch", { position: { offset: 3 } }, status.FAILED_PRECONDITION, "EPOCH_MISMATCH", "position"],
  [
    "an epoch of 10,000 characters that are none",
    { position: { epoch: "\u0000".repeat(10_000), offset: 3 } },
    status.FAILED_PRECONDITION,
    "EPOCH_MISMATCH",
    "position",
  ],
  ["the newest 0", { newest: 0 }, status.INVALID_ARGUMENT, "REQUEST_INVALID", "start"],
  [
    "a time beyond all times",
    { sinceUs: "18446744073709551615" },
    status.INVALID_ARGUMENT,
    "REQUEST_INVALID",
    "since_us",
  ],
  [
    "an age beyond all ages",
    { maxAgeMs: "18446744073709551615" },
    status.INVALID_ARGUMENT,
    "REQUEST_INVALID",
    "max_age_ms",
  ],
];
for (const [what, request, code, error, field] of ABUSE) {
  test(`a start with ${what} is refused with ${error}, and gets nothing`, async (t) => {
    const { hub, client } = await start(t);
    for (let offset = 1; offset <= 10; offset++) hub.publish("t", String(offset));
    const stream = openStream(client, fanout.Subscribe, { patterns: ["t"], ...request });
    const refused = await stream.status;
    assert.equal(refused.code, code);
    const { code: told, field: where } = readStatus(refused);
    assert.deepEqual([told, where], [error, field]);
    assert.deepEqual(stream.received, []);
  });
}

test("bytes that are no request are refused, and the server goes on", async (t) => {
  const { hub, address, client } = await start(t);
  const raw = await rawClient(t, address);
  for (const bytes of [
    // A position that claims 100 bytes which do not follow; an offset without an end; a wrong wire type.
    Buffer.from([0x0a, 0x01, 0x74, 0x12, 0x64]),
    Buffer.from([0x12, 0x0b, 0x10, ...Array<number>(10).fill(0xff)]),
    Buffer.from([0x0d, 0x01]),
  ]) {
    const call = raw.call("/spillway.v1.Fanout/Subscribe", bytes);
    await call.closed;
    const { "grpc-status": code } = call.trailers ?? (await call.headers);
    assert.notEqual(code, "0");
    assert.deepEqual(call.messages, []);
  }
  hub.publish("t", "still here");
  const stream = openStream(client, fanout.Subscribe, { patterns: ["t"], oldest: {} });
  await stream.take(3);
  assert.equal(framesOf(stream).filter(({ kind }) => kind === "message").length, 1);
});

test("a position of one topic never replays another one's messages", async (t) => {
  const { hub, client } = await start(t, 100);
  for (let offset = 1; offset <= 10; offset++)
    hub.publish(offset % 2 === 0 ? "mine" : "secret", String(offset));
  const from = subscribeToWire({ patterns: ["mine"], start: { epoch: "e1", offset: 3 } });
  const stream = openStream(client, fanout.Subscribe, from);
  await eventually(() => framesOf(stream).some((frame) => frame.kind === "state" && frame.state === "live"));
  const told = framesOf(stream).flatMap((frame) =>
    frame.kind === "message" ? [`${frame.topic} ${frame.offset}`] : [],
  );
  assert.deepEqual(told, ["mine 4", "mine 6", "mine 8", "mine 10"]);
});

/** Everything from behind `offset` to `through`, as messages or in a gap: nothing missing, nothing twice. */
function assertComplete(frames: readonly Frame[], offset: number, through: number): void {
  let behind = offset;
  for (const frame of frames) {
    if (frame.kind === "message") {
      assert.equal(frame.offset, behind + 1);
      behind = frame.offset;
    } else if (frame.kind === "gap") {
      assert.equal(frame.from, behind + 1);
      assert.ok(frame.count === undefined || frame.count === frame.to - frame.from + 1);
      assert.equal(frame.reason, "trimmed");
      behind = frame.to;
    }
  }
  assert.equal(behind, through);
}

// Ten messages, of which 7 to 10 are retained.
const EDGES: readonly [what: string, offset: number, trimmed: string | undefined][] = [
  ["before the first message", 0, "1..6"],
  ["two before the oldest retained", 5, "6..6"],
  ["right before the oldest retained", 6, undefined],
  ["at the oldest retained", 7, undefined],
  ["right before the newest", 9, undefined],
  ["at the newest", 10, undefined],
];
for (const [what, offset, trimmed] of EDGES) {
  test(`a resume ${what} gets everything retained, and is told of the rest`, async (t) => {
    const { hub, client } = await start(t);
    for (let index = 1; index <= 10; index++) hub.publish("t", String(index));
    const from = subscribeToWire({ patterns: ["t"], start: { epoch: "e1", offset } });
    const stream = openStream(client, fanout.Subscribe, from);
    await stream.live;
    hub.publish("t", "11");
    await eventually(() => framesOf(stream).some((frame) => frame.kind === "message" && frame.offset === 11));
    const frames = framesOf(stream);
    assert.deepEqual(frames[0]?.kind === "started" && frames[0].position, { epoch: "e1", offset });
    assertComplete(frames, offset, 11);
    const gaps = frames.flatMap((frame) => (frame.kind === "gap" ? [`${frame.from}..${frame.to}`] : []));
    // One more message, and one less is retained for whoever had not been served yet.
    assert.ok(gaps.length <= 1);
    if (trimmed !== undefined) assert.equal(gaps[0]?.split("..")[0], trimmed.split("..")[0]);
    assert.equal(frames.filter(({ kind }) => kind === "state").length, 2);
  });
}

test("a position in an empty history is live", async (t) => {
  const { hub, client } = await start(t);
  const from = subscribeToWire({ patterns: ["t"], start: { epoch: "e1", offset: 0 } });
  const stream = openStream(client, fanout.Subscribe, from);
  await stream.live;
  hub.publish("t", "1");
  await eventually(() => framesOf(stream).some(({ kind }) => kind === "message"));
  assertComplete(framesOf(stream), 0, 1);
});

test("a resume that is overtaken by the log, again and again, has no hole and no repeat", async (t) => {
  const { hub, client } = await servedHub(
    t,
    { longlived: false },
    { epoch: "e1", retention: { messages: 50 }, queue: { messages: 4 } },
  );
  const publish = (count: number): void => {
    for (let index = 0; index < count; index++) hub.publish("t", "x".repeat(3_000));
  };
  publish(60);
  const terms = { patterns: ["t"], overflow: "park", start: { epoch: "e1", offset: 20 } as Start } as const;
  const stream = openStream(client, fanout.Subscribe, subscribeToWire(terms));
  await stream.take(2);
  for (let round = 0; round < 20; round++) {
    // It reads a little, stops, and the log wraps meanwhile.
    stream.call.pause();
    publish(70);
    await new Promise((resolve) => setImmediate(resolve));
    stream.call.resume();
    await stream.take(stream.received.length + 10);
  }
  const { position } = await callUnary(client, fanout.Publish, { topic: "t", payload: Buffer.from("last") });
  const last = Number(position?.offset);
  await eventually(() => framesOf(stream).some((frame) => frame.kind === "message" && frame.offset === last));
  const frames = framesOf(stream);
  assertComplete(frames, 20, last);
  assert.ok(frames.some(({ kind }) => kind === "gap"));
});

const STARTS: readonly [what: string, start: Start, offsets: readonly number[]][] = [
  ["the oldest", "oldest", [3, 4, 5, 6, 8, 9]],
  ["the newest three", { newest: 3 }, [6, 8, 9]],
  ["more than there are", { newest: 1_000 }, [3, 4, 5, 6, 8, 9]],
  ["a time before all", { sinceMs: 0 }, [3, 4, 5, 6, 8, 9]],
  ["a time after all", { sinceMs: Date.now() + 3_600_000 }, []],
  ["a snapshot", "snapshot", [8, 9]],
];
for (const [what, from, offsets] of STARTS) {
  test(`a start with ${what} brings just that, then says that it is live`, async (t) => {
    const { hub, client } = await servedHub(
      t,
      { longlived: false },
      {
        retention: { messages: 4 },
        topics: { "state.>": { retention: { latestPerKey: true } } },
      },
    );
    for (let offset = 1; offset <= 6; offset++) hub.publish("feed.a", String(offset));
    hub.publish("state.a", "older", { key: "k" });
    hub.publish("state.a", "newer", { key: "k" });
    hub.publish("state.a", "", { key: "gone", tombstone: true });
    const stream = openStream(client, fanout.Subscribe, subscribeToWire({ patterns: [">"], start: from }));
    const isLive = (frame: Frame): boolean => frame.kind === "state" && frame.state === "live";
    await eventually(() => framesOf(stream).some(isLive));
    const frames = framesOf(stream);
    const before = frames.slice(0, frames.findIndex(isLive));
    assert.deepEqual(
      before.flatMap((frame) => (frame.kind === "message" ? [frame.offset] : [])),
      offsets,
    );
    assert.equal(
      frames.some(({ kind }) => kind === "gap"),
      false,
    );
    const deleted = frames.filter((frame) => frame.kind === "message" && frame.tombstone);
    assert.equal(deleted.length, offsets.includes(9) ? 1 : 0);
  });
}

test("a pace that the policy cannot keep is refused, naming the field", async (t) => {
  const { client } = await start(t);
  const terms = { patterns: ["t"], overflow: "park", minIntervalMs: 100 } as const;
  const refused = readStatus(await openStream(client, fanout.Subscribe, subscribeToWire(terms)).status);
  assert.deepEqual([refused.code, refused.field], ["REQUEST_INVALID", "min_interval_ms"]);
});

test("a message that is too old, by its own life or by the subscriber's wish, is told as expired", async (t) => {
  const { hub, client } = await start(t, 100);
  await callUnary(client, fanout.Publish, { topic: "t", payload: Buffer.from("short-lived"), ttlMs: 1 });
  hub.publish("t", "old");
  const before = performance.now();
  await eventually(() => performance.now() > before + 5);
  const terms = { patterns: ["t"], start: "oldest" } as const;
  const anyAge = openStream(client, fanout.Subscribe, subscribeToWire(terms));
  const young = openStream(client, fanout.Subscribe, subscribeToWire({ ...terms, maxAgeMs: 1 }));
  for (const [stream, expired] of [
    [anyAge, 1],
    [young, 2],
  ] as const) {
    await eventually(() =>
      framesOf(stream).some((frame) => frame.kind === "state" && frame.state === "live"),
    );
    const gaps = framesOf(stream).filter((frame) => frame.kind === "gap");
    for (const { reason, topic } of gaps) assert.deepEqual([reason, topic], ["expired", "t"]);
    assert.equal(gaps[0]?.from, 1);
    assert.equal(gaps.at(-1)?.to, expired);
    assert.equal(
      gaps.reduce((sum, { count }) => sum + (count ?? Number.NaN), 0),
      expired,
    );
  }
});
