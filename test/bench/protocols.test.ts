import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  GRPC_HEADER_BYTES,
  lengthHeader,
  lengthPrefixed,
  PLAIN_HEADER_BYTES,
} from "../../bench/systems/length-prefix.ts";
import { NATS_PUBLISH_END, natsProtocol } from "../../bench/systems/nats-protocol.ts";
import { netProtocol } from "../../bench/systems/net.ts";
import { type Cut, Reassembler } from "../../bench/systems/reassembler.ts";
import { redisProtocol } from "../../bench/systems/redis-protocol.ts";
import { runs } from "../support/property.ts";

/** What one side of a protocol made of a byte stream. */
class Heard {
  readonly payloads: Buffer[] = [];
  readonly answers: string[] = [];
  readonly refusals: string[] = [];
  live = 0;

  readonly events = {
    listener: { message: (payload: Uint8Array) => void this.payloads.push(Buffer.from(payload)) },
    live: () => void this.live++,
    refused: (reason: string) => void this.refusals.push(reason),
    answer: (text: string) => void this.answers.push(text),
  };
}

const END_OF_LINE = "\r\n";
const bulk = (bytes: Buffer | string) =>
  Buffer.concat([Buffer.from(`$${bytes.length}\r\n`), Buffer.from(bytes), Buffer.from(END_OF_LINE)]);

/** Each protocol: how its client reads, how its server greets, and how it writes one message. */
const PROTOCOLS: Readonly<
  Record<string, { cut: (heard: Heard) => Cut; greeting: Buffer; message: (payload: Buffer) => Buffer }>
> = {
  grpc: {
    cut: ({ events }) => lengthPrefixed(GRPC_HEADER_BYTES, events.listener.message),
    greeting: Buffer.alloc(0),
    message: (payload) => Buffer.concat([lengthHeader(GRPC_HEADER_BYTES, payload.length), payload]),
  },
  net: {
    cut: ({ events }) => netProtocol.cut(events),
    greeting: lengthHeader(PLAIN_HEADER_BYTES, 0),
    message: (payload) => Buffer.concat([lengthHeader(PLAIN_HEADER_BYTES, payload.length), payload]),
  },
  nats: {
    cut: ({ events }) => natsProtocol.cut(events),
    greeting: Buffer.from('INFO {"server_id":"A","version":"2.9.10"}\r\nPONG\r\n'),
    message: (payload) =>
      Buffer.concat([Buffer.from(`PING\r\nMSG bench 1 ${payload.length}\r\n`), payload, NATS_PUBLISH_END]),
  },
  redis: {
    cut: ({ events }) => redisProtocol.cut(events),
    greeting: Buffer.concat([Buffer.from("*3\r\n"), bulk("subscribe"), bulk("bench"), Buffer.from(":1\r\n")]),
    message: (payload) =>
      Buffer.concat([Buffer.from("*3\r\n"), bulk("message"), bulk("bench"), bulk(payload)]),
  },
};

/** Payloads that look like the protocols around them are the ones to get wrong. */
const somePayload = fc.oneof(
  { weight: 4, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 64 }).map((bytes) => Buffer.from(bytes)) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom("\r\n", "PING\r\n", "MSG bench 1 5\r\n", "*3\r\n$7\r\nmessage\r\n", "\0\0\0\0\x01")
      .map((text) => Buffer.from(text, "latin1")),
  },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 1_000, max: 20_000 }).map((length) => Buffer.alloc(length, "\r\n")),
  },
);

describe("the clients of the systems", () => {
  for (const [name, { cut, greeting, message }] of Object.entries(PROTOCOLS)) {
    it(`find the same messages in a stream of ${name}, wherever its chunks end`, () => {
      fc.assert(
        fc.property(
          fc.array(somePayload, { maxLength: 12 }),
          fc.array(fc.nat({ max: 300 }), { minLength: 1, maxLength: 40 }),
          (payloads, sizes) => {
            const heard = new Heard();
            const { feed } = new Reassembler(cut(heard));
            const stream = Buffer.concat([greeting, ...payloads.map(message)]);
            for (let at = 0, turn = 0; at < stream.length; turn++) {
              // A chunk of a socket has at least a byte.
              const end = at + 1 + sizes[turn % sizes.length]!;
              feed(stream.subarray(at, end));
              at = end;
            }
            assert.deepEqual(heard.payloads, payloads);
            assert.equal(heard.live, greeting.length > 0 ? 1 : 0);
            assert.deepEqual(heard.answers, name === "nats" ? payloads.map(() => "PONG\r\n") : []);
            assert.deepEqual(heard.refusals, []);
          },
        ),
        runs(300),
      );
    });
  }

  it("take a message from its chunk as it is, and copy only what lies across a border", () => {
    const seen: Buffer[] = [];
    const { feed } = new Reassembler(lengthPrefixed(PLAIN_HEADER_BYTES, (payload) => seen.push(payload)));
    const whole = Buffer.concat([lengthHeader(PLAIN_HEADER_BYTES, 3), Buffer.from("abc")]);
    feed(whole);
    whole.write("x", PLAIN_HEADER_BYTES);
    assert.equal(String(seen[0]), "xbc");
    const halved = Buffer.from(whole);
    feed(halved.subarray(0, 5));
    feed(halved.subarray(5));
    halved.write("y", PLAIN_HEADER_BYTES);
    assert.equal(String(seen[1]), "xbc");
  });

  it("are told what a server refuses", () => {
    for (const [name, text] of [
      ["nats", "-ERR 'Authorization Violation'\r\n"],
      ["redis", "-NOAUTH Authentication required.\r\n"],
    ] as const) {
      const heard = new Heard();
      new Reassembler(PROTOCOLS[name]!.cut(heard)).feed(Buffer.from(text));
      assert.deepEqual(heard.refusals, [text.trim()]);
    }
  });
});
