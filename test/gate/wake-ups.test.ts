/**
 * The gate, wake-ups and writes: everything that is published in one turn of the event loop leaves with one wake-up, as
 * one write per subscriber. Counted, so it holds on any machine.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fanoutMethod } from "../../src/transport/grpc/index.ts";
import { streamOf } from "../../src/transport/grpc/internal-stream.ts";
import { CountingClock } from "../support/counting-clock.ts";
import { handHub } from "../support/engine.ts";
import { openStream } from "../support/grpc-calls.ts";
import { QUOTES } from "../support/grpc-quotes.ts";
import { eventually, servedHub } from "../support/grpc-served-hub.ts";
import { ValveSink } from "../support/valve-sink.ts";

const SUBSCRIBERS = 100;
const BURST = 16;

function crowd(valve: "open" | "shut") {
  const clock = new CountingClock();
  const { hub } = handHub({ clock });
  const sinks = Array.from({ length: SUBSCRIBERS }, () => new ValveSink({ valve }));
  for (const sink of sinks) hub.attach({ patterns: ["a"] }, sink);
  clock.settle();
  const publish = () => {
    for (let message = 0; message < BURST; message++) hub.publish("a", "payload");
  };
  return { clock, hub, sinks, publish };
}

describe("sixteen messages for a hundred subscribers", () => {
  it("wake the event loop once", () => {
    const { clock, publish } = crowd("open");
    assert.equal(
      clock.wakeUpsIn(() => {
        publish();
        clock.settle();
      }),
      1,
    );
  });

  it("leave as one batch for each of them, in the same turn", () => {
    const { clock, sinks, publish } = crowd("open");
    publish();
    clock.turn();
    for (const sink of sinks) assert.deepEqual(sink.batches, [1, BURST], "the first frame, and all the rest");
  });

  it("that wait behind a write wake the event loop once when all the writes are done", () => {
    const { clock, sinks, publish } = crowd("shut");
    publish();
    clock.settle();
    const confirmed = clock.wakeUpsIn(() => {
      for (const sink of sinks) sink.release();
    });
    assert.equal(confirmed, 1);
    clock.turn();
    for (const sink of sinks) assert.deepEqual(sink.batches, [1, BURST]);
  });

  // The way to the stream is open where nobody looks at what is written; then comes `call.write()` of a whole batch.
  for (const [way, writerOf] of [
    ["write to the HTTP/2 stream", (call: object) => streamOf(call)!],
    ["call.write()", (call: object) => call as { write(): boolean }],
  ] as const) {
    it(`leave as one ${way} for each of them over gRPC`, async (t) => {
      const writes: { callCount(): number }[] = [];
      const { hub, client } = await servedHub(t, { fanout: false, longlived: false }, {}, (hub) => ({
        services(server) {
          const watch = fanoutMethod(QUOTES.Watch, { hub, topic: () => "quotes" });
          const handler: typeof watch.handler = (call) => {
            writes.push(t.mock.method(writerOf(call), "write").mock);
            watch.handler(call);
          };
          server.addService({ ...QUOTES, Watch: watch.definition }, { Watch: handler });
        },
      }));
      const streams = Array.from({ length: SUBSCRIBERS }, () => openStream(client, QUOTES.Watch, {}));
      await Promise.all(streams.map(({ live }) => live));
      await eventually(() => hub.stats().batches === SUBSCRIBERS);
      const counts = () => writes.map((mock) => mock.callCount());
      assert.deepEqual(counts(), Array(SUBSCRIBERS).fill(0), "the contract has no place for a first frame");
      for (let message = 0; message < BURST; message++) hub.publish("quotes", "");
      await Promise.all(streams.map((stream) => stream.take(BURST)));
      assert.deepEqual(counts(), Array(SUBSCRIBERS).fill(1));
      assert.equal(hub.stats().batches, 2 * SUBSCRIBERS);
      for (const { call } of streams) call.cancel();
    });
  }
});
