import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { bytesAllocated, bytesHeld } from "../../../bench/micro/collector.ts";
import { Crowd } from "../../../bench/micro/crowd.ts";
import { LinkedList } from "../../../bench/micro/linked-list.ts";
import { Tally } from "../../../bench/micro/null-sink.ts";
import { StreamClients } from "../../../bench/micro/stream-clients.ts";

describe("a tally", () => {
  it("is complete with the last message that was expected, and not before", async () => {
    const tally = new Tally();
    let complete = false;
    const expected = tally.expect(3).then(() => {
      complete = true;
    });
    tally.count(2);
    await Promise.resolve();
    assert.equal(complete, false);
    tally.count(1);
    await expected;
  });

  it("does not let a message too many, or a wait within another, pass for a measurement", () => {
    const tally = new Tally();
    void tally.expect(1);
    assert.throws(() => void tally.expect(1), /still expected/);
    assert.throws(() => tally.count(2), /more than expected/);
  });
});

describe("a crowd", () => {
  it("has everything when deliver resolves, also where a flush is not enough for all", async () => {
    const crowd = new Crowd(1_000);
    await crowd.settle();
    const before = crowd.hub.stats();
    await crowd.deliver(16);
    const { delivered, queued } = crowd.hub.stats();
    assert.deepEqual({ delivered, queued }, { delivered: before.delivered + 16_000, queued: 0 });
    await crowd.close();
  });
});

describe("a linked list", () => {
  it("gives back what was put in, in order", () => {
    const list = new LinkedList<number>();
    const plain: number[] = [];
    for (let step = 0; step < 100; step++) {
      if (step % 3 === 2) {
        assert.equal(list.shift(), plain.shift());
      } else {
        list.push(step);
        plain.push(step);
      }
      assert.equal(list.length, plain.length);
    }
    while (plain.length > 0) assert.equal(list.shift(), plain.shift());
    assert.equal(list.shift(), undefined);
    list.push(1);
    assert.equal(list.shift(), 1, "empty is not the end of it");
  });
});

describe("the count of bytes", () => {
  it("sees objects on the heap and the memory of buffers", async () => {
    const kept: unknown[] = new Array(2_000).fill(undefined);
    const objects = await bytesAllocated(() => {
      for (let index = 0; index < 1_000; index++) kept[index] = { one: index, other: index };
    });
    assert.ok(objects >= 1_000 * 16 && objects <= 1_000 * 128, `${objects} bytes for 1,000 objects`);
    const buffers = await bytesAllocated(() => {
      for (let index = 0; index < 10; index++) kept[index] = new Uint8Array(10_000);
    });
    assert.ok(buffers >= 100_000 && buffers <= 150_000, `${buffers} bytes for 100,000 in buffers`);
  });

  it("is refused when garbage was collected meanwhile", async () => {
    await assert.rejects(
      bytesAllocated(() => globalThis.gc?.()),
      /garbage was collected/,
    );
  });

  it("of what is held leaves out what nobody holds", () => {
    const before = bytesHeld();
    const list = Array.from({ length: 100_000 }, (_, index) => ({ index }));
    const with100000 = bytesHeld() - before;
    assert.ok(with100000 > 100_000 * 8, `${with100000} bytes for ${list.length} objects`);
    list.length = 0;
    assert.ok(bytesHeld() - before < with100000 / 2);
  });
});

describe("clients of a server", () => {
  it("that is not there say so instead of keeping whoever waits for them", async () => {
    await assert.rejects(StreamClients.connect("127.0.0.1:1", 1), /ended early/);
  });
});
