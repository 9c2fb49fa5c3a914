/**
 * The gate, processor time: a burst of 16 messages to 50 connections, fanned out by Spillway and by writing each message
 * to each call with grpc-js. Both in this process, on the same connections, round by round in turns, so whatever else
 * the machine does hits both; the ratio of the two is what counts, and its bound is wide.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Metadata, type ServerWritableStream } from "@grpc/grpc-js";
import { HEADER_BYTES, rawMethod } from "../../bench/micro/raw-method.ts";
import { StreamClients } from "../../bench/micro/stream-clients.ts";
import { median } from "../../bench/micro/summary.ts";
import { fanoutMethod } from "../../src/transport/grpc/index.ts";
import { servedHub } from "../support/grpc-served-hub.ts";

const CONNECTIONS = 50;
const BURST = 16;
const BURSTS_PER_ROUND = 10;
const ROUNDS = 7;
const PAYLOAD = Buffer.alloc(128, "x");

/** Measured: about 0.1. A wake-up or a write per message and subscriber makes it about 1. */
const MOST = 0.5;

const OURS = rawMethod("/gate.Fanout/Ours");
const PLAIN = rawMethod("/gate.Fanout/Plain");

test(`a burst costs at most ${MOST} of the processor time of plain grpc-js`, async (t) => {
  const calls: ServerWritableStream<Buffer, Buffer>[] = [];
  const { hub, address } = await servedHub(t, { fanout: false, longlived: false }, {}, (hub) => ({
    services(server) {
      const ours = fanoutMethod(OURS, { hub, topic: () => "load" });
      const handlePlain = (call: ServerWritableStream<Buffer, Buffer>) => {
        calls.push(call);
        call.sendMetadata(new Metadata());
      };
      server.addService({ Ours: ours.definition, Plain: PLAIN }, { Ours: ours.handler, Plain: handlePlain });
    },
  }));
  const clients = await StreamClients.connect(address, CONNECTIONS);
  t.after(() => clients.close());
  const bytesPerRound = BURST * (HEADER_BYTES + PAYLOAD.byteLength);
  for (const { path } of [OURS, PLAIN]) await clients.call({ path, perConnection: 1, bytesPerRound });

  /** Processor time of some bursts, each sent when the one before has arrived everywhere. */
  const cpuMicros = async (path: string, send: () => void) => {
    const before = process.cpuUsage();
    for (let burst = 0; burst < BURSTS_PER_ROUND; burst++) {
      const arrived = clients.round(path);
      for (let message = 0; message < BURST; message++) send();
      await arrived;
    }
    const { user, system } = process.cpuUsage(before);
    return user + system;
  };
  const publish = () => void hub.publish("load", PAYLOAD);
  const writeToEach = () => {
    for (const call of calls) call.write(PAYLOAD);
  };
  const round = async () =>
    (await cpuMicros(OURS.path, publish)) / (await cpuMicros(PLAIN.path, writeToEach));

  await round();
  const ratios: number[] = [];
  while (ratios.length < ROUNDS) ratios.push(await round());
  t.diagnostic(`ratios: ${ratios.map((ratio) => ratio.toFixed(3)).join(", ")}`);
  assert.ok(median(ratios) <= MOST, `the median of ${ratios.join(", ")}`);
});
