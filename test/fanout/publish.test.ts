import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Message } from "../../src/index.ts";
import { handHub } from "../support/engine.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { ValveSink } from "../support/valve-sink.ts";

failOnLeaks();

/** What a subscriber gets of one publish. */
function delivered(payload: Uint8Array | string, afterwards: () => void = () => {}): Message {
  const { hub, clock } = handHub();
  const sink = new ValveSink();
  hub.attach({ patterns: ["a"] }, sink);
  hub.publish("a", payload);
  afterwards();
  clock.turn();
  const message = sink.frames[1];
  assert.equal(message?.kind, "message");
  return message as Message;
}

describe("publish", () => {
  it("copies the payload: what the caller does to its buffer afterwards changes nothing", () => {
    const buffer = Buffer.from("as it was");
    assert.equal(Buffer.from(delivered(buffer, () => void buffer.fill(0)).payload).toString(), "as it was");
  });

  it("keeps exactly the bytes of the payload alive, however large the buffer it was cut from", () => {
    const large = new Uint8Array(1 << 20).fill(7);
    const pooled = Buffer.from("a few bytes in the pool of Node");
    for (const payload of [
      large.subarray(10, 20),
      Buffer.from(large.buffer, 10, 10),
      pooled,
      new Uint8Array(),
    ]) {
      const kept = delivered(payload).payload;
      assert.deepEqual(Buffer.from(kept), Buffer.from(payload));
      assert.equal(kept.buffer.byteLength, payload.byteLength);
      assert.notEqual(kept.buffer, payload.buffer);
    }
    const text = "größer 🦆 ";
    const kept = delivered(text).payload;
    assert.equal(Buffer.from(kept).toString(), text);
    assert.equal(kept.buffer.byteLength, Buffer.byteLength(text));
  });

  it("copies the headers too", () => {
    const { hub, clock } = handHub();
    const sink = new ValveSink();
    hub.attach({ patterns: ["a"] }, sink);
    const headers = { unit: "K", __proto__: null } as unknown as Record<string, string>;
    hub.publish("a", "", { headers });
    headers.unit = "F";
    clock.turn();
    const [, message] = sink.frames;
    assert.deepEqual(message?.kind === "message" && { ...message.headers }, { unit: "K" });
  });

  it("weighs payload, key and headers in UTF-8 bytes, and refuses one byte too many", () => {
    const { hub } = handHub({ maxMessageBytes: 20 });
    const options = { key: "ké", headers: { ü: "ö" } };
    hub.publish("a", new Uint8Array(13), options);
    assert.equal(hub.stats().publishedBytes, 20);
    assert.throws(() => hub.publish("a", new Uint8Array(14), options), {
      code: "MESSAGE_TOO_LARGE",
      field: "payload",
      message: "expected a message of at most 20 bytes with its key and headers, got 21",
    });
    assert.throws(() => hub.publish("a", "é".repeat(11)), { code: "MESSAGE_TOO_LARGE" });
    assert.equal(hub.stats().published, 1);
  });

  it("refuses what is no payload, key or header, publishes nothing then, and names the field", () => {
    const { hub } = handHub();
    const wrong: readonly (readonly [string, () => unknown])[] = [
      ["payload", () => hub.publish("a", undefined as unknown as string)],
      ["payload", () => hub.publish("a", 7 as unknown as string)],
      ["payload", () => hub.publish("a", [1, 2] as unknown as Uint8Array)],
      ["payload", () => hub.publish("a", new ArrayBuffer(8) as unknown as Uint8Array)],
      ["key", () => hub.publish("a", "", { key: "k".repeat(1_025) })],
      ["key", () => hub.publish("a", "", { key: "\ud800" })],
      ["key", () => hub.publish("a", "", { key: 7 as unknown as string })],
      ["headers", () => hub.publish("a", "", { headers: { a: 7 as unknown as string } })],
      ["headers", () => hub.publish("a", "", { headers: { "\udc00": "x" } })],
      ["headers", () => hub.publish("a", "", { headers: { a: "\udc00" } })],
      ["headers", () => hub.publish("a", "", { headers: { a: "x".repeat(8_192) } })],
      [
        "headers",
        () =>
          hub.publish("a", "", {
            headers: Object.fromEntries(Array.from({ length: 33 }, (_, n) => [`h${n}`, ""])),
          }),
      ],
    ];
    for (const [field, publish] of wrong) assert.throws(publish, { code: "MESSAGE_INVALID", field });
    assert.equal(hub.position.offset, 0);
    hub.publish("a", "", { key: "k".repeat(1_024), headers: { a: "x".repeat(8_191) } });
  });

  it("does no work for a topic that nobody subscribes to, and still numbers it", () => {
    const { hub, clock } = handHub();
    for (const offset of [1, 2, 3]) assert.deepEqual(hub.publish("a", ""), { offset, writable: true });
    assert.equal(clock.busy, false);
    assert.deepEqual(hub.topicStats("a"), {
      topic: "a",
      published: 3,
      publishedBytes: 0,
      lastOffset: 3,
      subscribers: 0,
    });
    assert.equal(hub.topicStats("b"), undefined);
  });

  it("hands one and the same message to all its subscribers, encoded once per wire shape", () => {
    const { hub, clock } = handHub();
    const sinks = [new ValveSink(), new ValveSink(), new ValveSink()];
    for (const sink of sinks) hub.attach({ patterns: ["a"] }, sink);
    hub.publish("a", "x");
    clock.turn();
    const messages = new Set(sinks.map((sink) => sink.frames[1] as Message));
    assert.equal(messages.size, 1);
    const [message] = [...messages] as [Message];
    const encodings: string[] = [];
    const failures: string[] = [];
    const shape = (name: string, fails = false) => ({
      name,
      encode(given: Message) {
        encodings.push(name);
        if (fails) throw new Error(name);
        return given.payload;
      },
      failed: (error: unknown) => void failures.push((error as Error).message),
    });
    const shapes = [shape("one"), shape("two"), shape("three", true)];
    for (let subscriber = 0; subscriber < 3; subscriber++) {
      assert.deepEqual(
        shapes.map((each) => message.wire(each)),
        [message.payload, message.payload, undefined],
      );
    }
    assert.deepEqual(encodings, ["one", "two", "three"]);
    assert.deepEqual(failures, ["three"], "a failure is told once, and remembered");
  });

  it("is refused once the hub closes", async () => {
    const { hub } = handHub();
    await hub.close();
    assert.throws(() => hub.publish("a", ""), { code: "CLOSED" });
    assert.throws(() => hub.attach({ patterns: ["a"] }, new ValveSink()), { code: "CLOSED" });
    assert.throws(() => hub.subscribe("a"), { code: "CLOSED" });
  });
});
