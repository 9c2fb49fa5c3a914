import assert from "node:assert/strict";
import { test } from "node:test";
import { FrameBatch, passThrough } from "../../../src/transport/grpc/framing.ts";
import { fastWays, trySend } from "../../../src/transport/grpc/write-self-test.ts";

test("the installed grpc-js lets both fast ways through", async () => {
  assert.deepEqual(await fastWays(), { toStream: true, asBatch: true });
});

test("the question is asked once per process", () => {
  assert.equal(fastWays(), fastWays());
});

test("a library that took the batch for a message of its own is found out", async () => {
  const asOneMessage = (value: unknown) => Buffer.concat((value as FrameBatch).messages as Uint8Array[]);
  assert.equal(await trySend("asBatch", asOneMessage), false);
});

test("a library that copied only a part is found out", async () => {
  const shortened = (value: unknown) => {
    const batch = value as FrameBatch;
    const first = new FrameBatch();
    first.add(batch.messages[0]!);
    return passThrough(first);
  };
  assert.equal(await trySend("asBatch", shortened), false);
});

test("a library that fails on a batch is found out", async () => {
  const failing = () => {
    throw new Error("expected a Buffer");
  };
  assert.equal(await trySend("asBatch", failing), false);
});

test("what is written to the stream does not depend on a serializer", async () => {
  const failing = () => {
    throw new Error("asked for nothing");
  };
  assert.equal(await trySend("toStream", failing), true);
});
