import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { HistoryLoadOptions, HistoryPage, HistoryRequest, HistorySource } from "../../src/index.ts";
import { assertBalanced, handHub } from "../support/engine.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { ValveSink } from "../support/valve-sink.ts";

failOnLeaks();

/** A source whose loads are answered by hand, or at once from everything that was stored. */
class HandSource implements HistorySource {
  readonly stored: { offset: number; payload: string; publishedAtMs: number }[] = [];
  readonly open: {
    request: HistoryRequest;
    resolve(page: HistoryPage): void;
    reject(error: unknown): void;
  }[] = [];
  readonly requests: HistoryRequest[] = [];
  mostOpen = 0;

  load(request: HistoryRequest): Promise<HistoryPage> {
    this.requests.push(request);
    return new Promise((resolve, reject) => {
      this.open.push({ request, resolve, reject });
      this.mostOpen = Math.max(this.mostOpen, this.open.length);
    });
  }

  pageFor({ after, through, limit }: HistoryRequest): HistoryPage {
    const all = this.stored.filter(({ offset }) => offset > after && offset <= through);
    const messages = all.slice(0, limit);
    return { messages, through: messages.length < all.length ? messages.at(-1)!.offset : through };
  }

  /** Answers the load that has been open for longest. */
  answer(page?: HistoryPage): void {
    const { request, resolve } = this.open.shift()!;
    resolve(page === undefined ? this.pageFor(request) : page);
  }
}

/** What promises bring happens; by turns of the real event loop, as p-queue has no clock to move. */
async function settle(clock: { settle(): void }): Promise<void> {
  for (let turn = 0; turn < 5; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    clock.settle();
  }
}

function stored(messages: number, kept: number, loads: HistoryLoadOptions = {}) {
  const source = new HandSource();
  const { hub, clock, errors } = handHub({
    epoch: "e",
    topics: { a: { retention: { messages: kept } } },
    history: [{ pattern: "a", source }],
    historyLoads: loads,
  });
  for (let count = 0; count < messages; count++) {
    const payload = `${hub.position.offset + 1}`;
    const { offset } = hub.publish("a", payload);
    source.stored.push({ offset, payload, publishedAtMs: clock.unixMs() });
  }
  const join = (offset: number, sink = new ValveSink(), priority = 0) => {
    const request = { patterns: ["a"], start: { epoch: "e", offset } };
    const subscription = hub.attach(request, sink, { priority });
    clock.settle();
    return { sink, subscription };
  };
  return { source, hub, clock, errors, join };
}

describe("a history source", () => {
  it("gives what the log has trimmed, page by page, and the log goes on where it ends", async () => {
    const { source, clock, join, errors } = stored(10, 3, { pageMessages: 3 });
    const { sink, subscription } = join(1);
    assert.equal(String(sink), "started catching-up", "it waits for the first page");
    const { signal: _, ...first } = source.requests[0]!;
    assert.deepEqual(first, { topic: "a", after: 1, through: 7, limit: 3 });
    for (let page = 0; page < 2; page++) {
      await settle(clock);
      source.answer();
    }
    await settle(clock);
    assert.equal(String(sink), "started catching-up 2 3 4 5 6 7 8 9 10 live");
    assert.deepEqual(
      source.requests.map(({ after }) => after),
      [1, 4],
    );
    assertBalanced(subscription);
    assert.deepEqual(errors, []);
    assert.equal(clock.timers, 1, "the watch, and no time-out of a load that is over");
  });

  it("is not asked for what the log still has", async () => {
    const { source, clock, join } = stored(10, 3);
    const { sink } = join(7);
    await settle(clock);
    assert.equal(String(sink), "started catching-up 8 9 10 live");
    assert.deepEqual(source.requests, []);
  });

  it("that is slow misses nothing of what is published and trimmed meanwhile", async () => {
    const { source, hub, clock, join } = stored(4, 2);
    const { sink } = join(0);
    await settle(clock);
    for (let count = 0; count < 5; count++) {
      const payload = `${hub.position.offset + 1}`;
      const { offset } = hub.publish("a", payload);
      source.stored.push({ offset, payload, publishedAtMs: clock.unixMs() });
    }
    while (source.open.length > 0) {
      source.answer();
      await settle(clock);
    }
    assert.equal(String(sink), "started catching-up 1 2 3 4 5 6 7 8 9 live");
  });

  it("holds up what other topics have above it, so that offsets keep their order", async () => {
    const source = new HandSource();
    const { hub, clock } = handHub({
      epoch: "e",
      topics: { a: { retention: { messages: 1 } }, b: { retention: {} } },
      history: [{ pattern: "a", source }],
    });
    for (const topic of ["a", "b", "a", "b"]) hub.publish(topic, "");
    source.stored.push({ offset: 1, payload: "", publishedAtMs: 0 });
    const sink = new ValveSink();
    hub.attach({ patterns: ["a", "b"], start: { epoch: "e", offset: 0 } }, sink);
    await settle(clock);
    assert.equal(String(sink), "started catching-up");
    source.answer();
    await settle(clock);
    assert.equal(String(sink), "started catching-up 1 2 3 4 live");
  });

  it("reaches back before this process: a hub that goes on with a history asks for all of it", async () => {
    const source = new HandSource();
    for (const offset of [3, 7]) source.stored.push({ offset, payload: "", publishedAtMs: 0 });
    const { hub, clock } = handHub({
      epoch: "e",
      lastOffset: 9,
      topics: { a: { retention: {} } },
      history: [{ pattern: "a", source }],
    });
    const sink = new ValveSink();
    hub.attach({ patterns: ["a"], start: { epoch: "e", offset: 3 } }, sink);
    await settle(clock);
    source.answer();
    await settle(clock);
    hub.publish("a", "");
    clock.settle();
    assert.equal(String(sink), "started catching-up 7 live 10");
  });

  it("that fails is reported, told as a gap, and the log goes on", async () => {
    const { source, clock, join, errors } = stored(6, 2);
    const { sink } = join(1);
    const fault = new Error("the database is away");
    await settle(clock);
    source.open.shift()!.reject(fault);
    await settle(clock);
    assert.equal(String(sink), "started catching-up gap(2..4×?:trimmed) 5 6 live");
    assert.deepEqual(errors, [{ hook: "history", error: fault }]);
  });

  it("that ignores its signal and takes too long fails by the hub's clock, and gives its place back", async () => {
    const { source, clock, join, errors } = stored(6, 2, { timeoutMs: 1_000, concurrency: 1 });
    const [first, second] = [join(1), join(2)];
    await settle(clock);
    assert.equal(source.requests.length, 1, "the second waits for its turn");
    clock.advance(999);
    await settle(clock);
    assert.equal(errors.length, 0);
    clock.advance(1);
    await settle(clock);
    assert.equal(String(first.sink), "started catching-up gap(2..4×?:trimmed) 5 6 live");
    assert.match(String(errors[0]?.error), /longer than 1000 ms/);
    assert.equal(source.requests[0]?.signal.aborted, true);
    assert.equal(source.requests.length, 2, "its time begins with its turn");
    source.open.shift();
    source.answer();
    await settle(clock);
    assert.equal(String(second.sink), "started catching-up 3 4 5 6 live");
  });

  const wrong: readonly [name: string, page: HistoryPage][] = [
    ["gets nowhere", { messages: [], through: 1 }],
    ["goes beyond what was asked", { messages: [], through: 5 }],
    ["has an offset behind the place asked for", { messages: [at(1)], through: 4 }],
    ["has an offset beyond its own end", { messages: [at(4)], through: 3 }],
    ["is out of order", { messages: [at(3), at(2)], through: 4 }],
    ["has an offset twice", { messages: [at(2), at(2)], through: 4 }],
    ["has an offset that is no whole number", { messages: [at(2.5)], through: 4 }],
    [
      "has a payload of no known kind",
      { messages: [{ ...at(2), payload: 7 as unknown as string }], through: 4 },
    ],
    ["holds more than the limit", { messages: [at(2), at(3)], through: 4 }],
    ["is no page", null as unknown as HistoryPage],
  ];
  for (const [name, page] of wrong) {
    it(`whose page ${name} is refused and reported, and nothing of the page is sent`, async () => {
      const { source, clock, join, errors } = stored(6, 2, {
        pageMessages: name.includes("limit") ? 1 : 256,
      });
      const { sink } = join(1);
      await settle(clock);
      source.answer(page);
      await settle(clock);
      assert.equal(String(sink), "started catching-up gap(2..4×?:trimmed) 5 6 live");
      assert.equal(errors.length, 1);
    });
  }

  it("is asked once by all who want the same page at the same time", async () => {
    const { source, clock, join } = stored(6, 2);
    const joined = Array.from({ length: 20 }, () => join(1));
    await settle(clock);
    assert.equal(source.requests.length, 1);
    source.answer();
    await settle(clock);
    for (const { sink } of joined) assert.equal(String(sink), "started catching-up 2 3 4 5 6 live");
  });

  it("is never asked by more than the concurrency at once, however many come back", async () => {
    const { source, clock, join } = stored(1_100, 10, { concurrency: 3 });
    const joined = Array.from({ length: 1_000 }, (_, offset) => join(offset));
    await settle(clock);
    assert.equal(source.open.length, 3);
    while (source.open.length > 0) {
      while (source.open.length > 0) source.answer();
      await settle(clock);
    }
    assert.equal(source.mostOpen, 3);
    for (const [offset, { sink, subscription }] of joined.entries()) {
      assert.deepEqual([sink.offsets.length, sink.gaps.length], [1_100 - offset, 0]);
      assert.equal(subscription.state, "live");
    }
  });

  it("is asked for those of a higher priority first, and for equals in the order in which they came", async () => {
    const { source, clock, join } = stored(20, 2, { concurrency: 1 });
    for (const [offset, priority] of [
      [0, 0],
      [1, 0],
      [2, 5],
      [3, -1],
      [4, 5],
      [5, 0],
    ] as const)
      join(offset, new ValveSink(), priority);
    await settle(clock);
    while (source.open.length > 0) {
      source.answer();
      await settle(clock);
    }
    const asked = source.requests.map(({ after }) => after);
    assert.deepEqual(asked, [0, 2, 4, 1, 5, 3], "the one that runs is not held up for any");
  });

  it("is asked for a page that several want by the highest priority among them", async () => {
    const { source, clock, join } = stored(20, 2, { concurrency: 1 });
    join(0);
    join(1);
    join(2);
    join(2, new ValveSink(), 1);
    join(0, new ValveSink(), 1);
    // It leaves before its turn; who asks anew for its page waits with a priority of its own.
    join(3, new ValveSink(), 2).subscription.end("unsubscribed");
    join(3);
    join(4);
    join(3, new ValveSink(), 3);
    await settle(clock);
    while (source.open.length > 0) {
      source.answer();
      await settle(clock);
    }
    assert.deepEqual(
      source.requests.map(({ after }) => after),
      [0, 3, 2, 1, 4],
    );
  });

  it("is asked for topics that this hub has not seen, and remembers none of them", async () => {
    const source = new HandSource();
    const { hub, clock } = handHub({
      epoch: "e",
      lastOffset: 9,
      maxTopics: 4,
      retention: {},
      history: [{ pattern: ">", source }],
    });
    hub.publish("kept", "");
    for (let stranger = 0; stranger < 10; stranger++) {
      const patterns = Array.from({ length: 5 }, (_, each) => `t${stranger}.${each}`);
      const sink = new ValveSink();
      hub.attach({ patterns, start: { epoch: "e", offset: 3 } }, sink);
      await settle(clock);
      while (source.open.length > 0) {
        source.answer();
        await settle(clock);
      }
      assert.equal(String(sink), "started catching-up live");
    }
    assert.equal(source.requests.length, 50);
    assert.equal(hub.stats().topics, 1);
    const { offset } = hub.publish("kept", "");
    const sink = new ValveSink();
    hub.attach({ patterns: ["kept"], start: { epoch: "e", offset: 9 } }, sink);
    clock.settle();
    assert.deepEqual([sink.offsets, offset], [[10, 11], 11]);
  });

  it("of a topic that comes to be while its past is loaded misses nothing of either", async () => {
    const source = new HandSource();
    source.stored.push({ offset: 7, payload: "", publishedAtMs: 0 });
    const { hub, clock } = handHub({
      epoch: "e",
      lastOffset: 9,
      retention: {},
      history: [{ pattern: ">", source }],
    });
    const sink = new ValveSink();
    hub.attach({ patterns: ["new"], start: { epoch: "e", offset: 3 } }, sink);
    await settle(clock);
    for (const topic of ["new", "other", "new"]) hub.publish(topic, "");
    while (source.open.length > 0) {
      source.answer();
      await settle(clock);
    }
    hub.publish("new", "");
    clock.settle();
    assert.equal(String(sink), "started catching-up 7 10 12 live 13");
  });

  it("is not waited for by a sink that reads nothing: the place goes to the next", async () => {
    const { source, clock, join } = stored(6, 2, { concurrency: 1 });
    join(1, new ValveSink({ valve: "shut" }));
    const reading = join(2);
    await settle(clock);
    source.answer();
    await settle(clock);
    source.answer();
    await settle(clock);
    assert.equal(String(reading.sink), "started catching-up 3 4 5 6 live");
  });

  it("has its load aborted when nobody waits for it any more, and only then", async () => {
    const { source, clock, join, errors } = stored(6, 2);
    const [first, second] = [join(1), join(1)];
    await settle(clock);
    first.subscription.end("unsubscribed");
    assert.equal(source.requests[0]?.signal.aborted, false);
    second.subscription.end("unsubscribed");
    assert.equal(source.requests[0]?.signal.aborted, true);
    const third = join(1);
    await settle(clock);
    assert.equal(source.requests.length, 2, "who comes in the same moment gets a load of its own");
    source.open.shift();
    source.answer();
    await settle(clock);
    assert.equal(String(third.sink), "started catching-up 2 3 4 5 6 live");
    assert.deepEqual(errors, [], "to be given up is no fault");
  });

  it("has its loads counted once each, however many share them: now by what they do, later by how they fared", async () => {
    const { source, hub, clock, join } = stored(9, 2, { concurrency: 1, pageMessages: 2, timeoutMs: 1_000 });
    const counts = () => {
      const { running, waiting, completed, failed, cancelled } = hub.stats().historyLoads;
      return [running, waiting, completed, failed, cancelled];
    };
    assert.deepEqual(counts(), [0, 0, 0, 0, 0]);
    const [given, up, asked, again] = [join(1), join(2), join(3), join(3)];
    await settle(clock);
    assert.deepEqual(counts(), [1, 2, 0, 0, 0], "two share one");
    up.subscription.end("cancelled");
    await settle(clock);
    assert.deepEqual(counts(), [1, 1, 0, 0, 1], "one that waited is given up");
    given.subscription.end("cancelled");
    await settle(clock);
    assert.deepEqual(counts(), [1, 0, 0, 0, 2], "one that ran is given up");
    source.open.shift();
    source.answer();
    await settle(clock);
    assert.deepEqual(counts(), [1, 0, 1, 0, 2], "a page has come, the next is asked for");
    source.open.shift()!.reject(new Error("the disk is full"));
    await settle(clock);
    assert.deepEqual(counts(), [0, 0, 1, 1, 2]);
    for (const { subscription } of [asked, again]) assert.equal(subscription.state, "live");
    join(1);
    await settle(clock);
    clock.advance(1_000);
    await settle(clock);
    assert.deepEqual(counts(), [0, 0, 1, 2, 2], "one that took too long has failed");
  });

  it("is not read on by one who drains", async () => {
    const { source, hub, clock, join } = stored(6, 2);
    const { sink } = join(1);
    await settle(clock);
    const closed = hub.close();
    await settle(clock);
    assert.equal(source.requests[0]?.signal.aborted, true);
    await closed;
    assert.equal(String(sink), "started catching-up draining end:draining");
    assert.equal(sink.ended?.position.offset, 1);
  });
});

function at(offset: number) {
  return { offset, payload: "", publishedAtMs: 0 };
}
