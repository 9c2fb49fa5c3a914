import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { bytesHeld } from "../../../bench/micro/collector.ts";
import { Crowd } from "../../../bench/micro/crowd.ts";
import { measureInFreshProcess } from "../../../bench/micro/fresh-process.ts";
import { LinkedList } from "../../../bench/micro/linked-list.ts";
import { Tally } from "../../../bench/micro/null-sink.ts";
import { StreamClients } from "../../../bench/micro/stream-clients.ts";
import { table } from "./known-allocation.ts";

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
  const count = async (name: string): Promise<number> => {
    const row = table.rows("full").find((each) => each.name === name);
    assert.ok(row);
    const budget = { warmupMs: 0, timeMs: 0 };
    return (await measureInFreshProcess(table, row, "full", budget)).allocatedBytes!;
  };

  it("sees objects on the heap, whether or not they are garbage by then, and the memory of buffers", async () => {
    const nothing = await count("nothing");
    assert.ok(Math.abs(nothing) < 1, `${nothing} bytes for nothing`);
    const objects = await count("objects");
    // A header of one to three words, two fields, and what the machine adds.
    assert.ok(objects >= 16 && objects <= 64, `${objects} bytes for an object`);
    const buffers = await count("buffers");
    assert.ok(buffers >= 10_000 && buffers <= 11_000, `${buffers} bytes for 10,000 in a buffer`);
  });

  it("is refused when garbage was collected meanwhile", async () => {
    await assert.rejects(count("garbage that is collected"), /garbage was collected/);
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
