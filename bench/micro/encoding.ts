/**
 * Encode once against encode for each: a message of `spillway.v1` for 100 subscribers.
 *
 * Every row ends where grpc-js takes over, with bytes that can be sent. "Encoded once" is what Spillway does: protobuf
 * and the gRPC header once per message, after that the same bytes for everybody. "Encoded for each" is what a response
 * serializer does. The rows below end where Node takes over: with one buffer for all who are sent the same batch, as
 * Spillway hands it to a stream; with a copy of the batch for each, where an interceptor is in the way; and with a copy
 * for each message and subscriber, which is the way of grpc-js.
 *
 * @module
 */
import { Hub, type Message, type Sink, type SinkFrame, type WireShape } from "../../src/fanout/index.ts";
import { loadContracts } from "../../src/transport/grpc/contracts.ts";
import { BatchJoiner, FrameBatch, frameMessage, HEADER_BYTES } from "../../src/transport/grpc/framing.ts";
import { frameToWire } from "../../src/transport/grpc/wire.ts";
import { PAYLOAD, TOPIC } from "./crowd.ts";
import { keep, perOperation } from "./sampling.ts";
import type { Row, Table } from "./table.ts";

const SUBSCRIBERS = 100;
const MESSAGES = 16;

/** What has to be done with so many messages that nobody has encoded yet. */
type Work = (messages: readonly Message[]) => void;

function encoded(message: Message): Buffer {
  return loadContracts().fanout.Subscribe.responseSerialize(frameToWire(message));
}

function wireShape(): WireShape {
  return {
    name: "spillway.v1",
    encode: (message) => frameMessage(encoded(message), "shared"),
    failed(error) {
      throw error;
    },
  };
}

const WORK: Readonly<Record<string, () => Work>> = {
  "encoded once": () => {
    const shape = wireShape();
    return (messages) => {
      for (let subscriber = 0; subscriber < SUBSCRIBERS; subscriber++) {
        for (const message of messages) keep(message.wire(shape)!.byteLength);
      }
    };
  },
  "encoded for each": () => (messages) => {
    for (let subscriber = 0; subscriber < SUBSCRIBERS; subscriber++) {
      for (const message of messages) keep(frameMessage(encoded(message), "once").byteLength);
    }
  },
  "encoded once, batched, one buffer for all": () => {
    const shape = wireShape();
    const joiner = new BatchJoiner();
    return (messages) => {
      for (let subscriber = 0; subscriber < SUBSCRIBERS; subscriber++) {
        keep(joiner.join(batchOf(messages, shape))[0]!);
      }
      joiner.forget();
    };
  },
  "encoded once, batched, a copy for each": () => {
    const shape = wireShape();
    return (messages) => {
      for (let subscriber = 0; subscriber < SUBSCRIBERS; subscriber++) {
        const batch = batchOf(messages, shape);
        const target = Buffer.allocUnsafe(batch.byteLength + HEADER_BYTES);
        batch.copy(target, HEADER_BYTES);
        keep(target[0]!);
      }
    };
  },
  "encoded for each and copied, as grpc-js does": () => (messages) => {
    for (let subscriber = 0; subscriber < SUBSCRIBERS; subscriber++) {
      for (const message of messages) {
        const bytes = encoded(message);
        const target = Buffer.allocUnsafe(bytes.byteLength + HEADER_BYTES);
        target[0] = 0;
        target.writeUInt32BE(bytes.byteLength, 1);
        bytes.copy(target, HEADER_BYTES);
        keep(target[0]!);
      }
    }
  },
};

const HEADLINE: readonly string[] = [
  "encoded once",
  "encoded once, batched, one buffer for all",
  "encoded for each and copied, as grpc-js does",
];

/** Takes the messages of a hub as its sinks get them. */
class Catcher implements Sink {
  #messages: Message[] = [];

  open(): void {}

  write(frames: readonly SinkFrame[]): "done" {
    for (const frame of frames) if (frame.kind === "message") this.#messages.push(frame);
    return "done";
  }

  end(): void {}

  take(): readonly Message[] {
    return this.#messages.splice(0);
  }
}

function batchOf(messages: readonly Message[], shape: WireShape): FrameBatch {
  const batch = new FrameBatch();
  for (const message of messages) batch.add(message.wire(shape)!);
  return batch;
}

function row(name: string, work: () => Work): Row {
  return {
    name,
    async measure(budget) {
      const hub = new Hub();
      const catcher = new Catcher();
      hub.attach({ patterns: [TOPIC] }, catcher);
      const run = work();
      let messages: readonly Message[] = [];
      const measured = await perOperation(budget, SUBSCRIBERS * MESSAGES, () => run(messages), {
        // A message keeps its encoding, so every call needs new ones.
        async beforeEach() {
          for (let index = 0; index < MESSAGES; index++) hub.publish(TOPIC, PAYLOAD, { key: "key" });
          await new Promise((resolve) => setImmediate(resolve));
          messages = catcher.take();
          if (messages.length !== MESSAGES) throw new Error(`expected ${MESSAGES}, got ${messages.length}`);
        },
      });
      await hub.close();
      return measured;
    },
  };
}

const table: Table = {
  module: import.meta.url,
  name: "encoding",
  operation: `one 128-byte message for one of ${SUBSCRIBERS} subscribers, ${MESSAGES} at a time`,
  reference: "encoded once",
  rows: (level) =>
    Object.entries(WORK)
      .filter(([name]) => level === "full" || HEADLINE.includes(name))
      .map(([name, work]) => row(name, work)),
};

export const tables: readonly Table[] = [table];
