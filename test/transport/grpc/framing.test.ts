import assert from "node:assert/strict";
import { test } from "node:test";
import {
  BatchJoiner,
  FrameBatch,
  type FramedMessage,
  frameMessage,
} from "../../../src/transport/grpc/framing.ts";

const framed = (text: string): FramedMessage => frameMessage(Buffer.from(text), "shared");

function batchOf(...messages: FramedMessage[]): FrameBatch {
  const batch = new FrameBatch();
  for (const message of messages) batch.add(message);
  return batch;
}

const [a, b, c] = [framed("a"), framed(""), framed("ccc")] as const;

test("a batch is joined in the order of its messages", () => {
  const joined = new BatchJoiner().join(batchOf(a, b, c));
  assert.deepEqual(Buffer.from(joined), Buffer.concat([a, b, c]));
});

test("all who are sent the same messages share one buffer", () => {
  const joiner = new BatchJoiner();
  const joined = joiner.join(batchOf(a, b));
  assert.equal(joiner.join(batchOf(a, b)), joined);
  assert.equal(joiner.join(batchOf(a, b)), joined);
});

test("batches that differ at the beginning, at the end or in length have bytes of their own", () => {
  const joiner = new BatchJoiner();
  for (const messages of [
    [a, b],
    [c, b],
    [c, a],
    [c, a, b],
    [c, a],
    [framed("ccc"), a],
  ]) {
    assert.deepEqual(Buffer.from(joiner.join(batchOf(...messages))), Buffer.concat(messages));
  }
});

test("a message that goes alone is not copied", () => {
  const joiner = new BatchJoiner();
  joiner.join(batchOf(a, b));
  assert.equal(joiner.join(batchOf(c)), c);
});

test("what is forgotten is joined anew", () => {
  const joiner = new BatchJoiner();
  const joined = joiner.join(batchOf(a, b));
  joiner.forget();
  assert.notEqual(joiner.join(batchOf(a, b)), joined);
});
