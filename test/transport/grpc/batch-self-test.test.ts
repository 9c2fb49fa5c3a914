import assert from "node:assert/strict";
import { test } from "node:test";
import { batchingWorks, trySendBatch } from "../../../src/transport/grpc/batch-self-test.ts";
import { FrameBatch, passThrough } from "../../../src/transport/grpc/framing.ts";

test("the installed grpc-js sends a batch as the messages it holds", async () => {
  assert.equal(await batchingWorks(), true);
});

test("the question is asked once per process", () => {
  assert.equal(batchingWorks(), batchingWorks());
});

test("a library that took the batch for a message of its own is found out", async () => {
  const asOneMessage = (value: unknown) => Buffer.concat((value as FrameBatch).messages as Uint8Array[]);
  assert.equal(await trySendBatch(asOneMessage), false);
});

test("a library that copied only a part is found out", async () => {
  const shortened = (value: unknown) => {
    const batch = value as FrameBatch;
    const first = new FrameBatch();
    first.add(batch.messages[0]!);
    return passThrough(first);
  };
  assert.equal(await trySendBatch(shortened), false);
});

test("a library that fails on a batch is found out", async () => {
  const failing = () => {
    throw new Error("expected a Buffer");
  };
  assert.equal(await trySendBatch(failing), false);
});
