import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { describe, it } from "node:test";
import { abortable } from "../../src/fanout/abortable.ts";
import { failOnLeaks } from "../support/leaks.ts";

failOnLeaks();

const reason = new Error("shutting down");

/** An iterator driven by hand that writes down what is called on it. */
function handSource(returned: () => unknown = () => Promise.resolve({ done: true, value: undefined })) {
  const calls: string[] = [];
  let answer: (result: Promise<IteratorResult<number>>) => void = () => {};
  const source = {
    [Symbol.asyncIterator]: () => ({
      next() {
        calls.push("next");
        return new Promise<IteratorResult<number>>((resolve) => {
          answer = resolve;
        });
      },
      return() {
        calls.push("return");
        return returned() as Promise<IteratorResult<number>>;
      },
    }),
  };
  return {
    calls,
    source,
    give: (value: number) => answer(Promise.resolve({ done: false, value })),
    finish: () => answer(Promise.resolve({ done: true, value: undefined })),
    fail: (error: unknown) => answer(Promise.reject(error)),
  };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

async function collect<T>(from: AsyncIterable<T>, into: T[] = []): Promise<T[]> {
  for await (const each of from) into.push(each);
  return into;
}

describe("abortable", () => {
  it("yields what any source yields, with a signal and without", async () => {
    for (const signal of [undefined, new AbortController().signal]) {
      assert.deepEqual(await collect(abortable([1, 2, 3], signal)), [1, 2, 3]);
      const async = (async function* () {
        yield* [1, 2];
      })();
      assert.deepEqual(await collect(abortable(async, signal)), [1, 2]);
    }
  });

  it("throws the reason while the source is waited for, closes it and leaves no listener", async () => {
    const { source, calls, give, fail } = handSource();
    const controller = new AbortController();
    const got: number[] = [];
    const collected = collect(abortable(source, controller.signal), got);
    give(1);
    await turn();
    controller.abort(reason);
    await assert.rejects(collected, reason);
    assert.deepEqual([got, calls], [[1], ["next", "next", "return"]]);
    assert.deepEqual(getEventListeners(controller.signal, "abort"), []);
    // What it says after all is nobody's any more; an unhandled rejection would fail this file.
    fail(new Error("connection reset"));
    await turn();
  });

  it("throws the reason even if the source hangs, and whatever its close does", async () => {
    const closes: (() => unknown)[] = [
      () => new Promise(() => {}),
      () => Promise.reject(new Error("close failed")),
      () => {
        throw new Error("close failed at once");
      },
    ];
    for (const returned of closes) {
      const { source, calls } = handSource(returned);
      const controller = new AbortController();
      const collected = collect(abortable(source, controller.signal));
      await turn();
      controller.abort(reason);
      await assert.rejects(collected, reason);
      assert.deepEqual(calls, ["next", "return"]);
      await turn();
    }
  });

  it("throws the reason when aborted between two messages, before the next is asked for", async () => {
    const { source, calls, give } = handSource();
    const controller = new AbortController();
    const reader = abortable(source, controller.signal);
    const first = reader.next();
    await turn();
    give(1);
    assert.deepEqual(await first, { done: false, value: 1 });
    controller.abort(reason);
    await assert.rejects(reader.next(), reason);
    assert.deepEqual(calls, ["next", "return"]);
  });

  it("does not open a source for a signal that is aborted already", async () => {
    const { source, calls } = handSource();
    await assert.rejects(collect(abortable(source, AbortSignal.abort(reason))), reason);
    assert.deepEqual(calls, []);
  });

  it("does not close a source that has finished or failed by itself", async () => {
    const { signal } = new AbortController();
    const finished = handSource();
    const collected = collect(abortable(finished.source, signal));
    await turn();
    finished.finish();
    assert.deepEqual(await collected, []);
    assert.deepEqual(finished.calls, ["next"]);
    const failed = handSource();
    const rejected = collect(abortable(failed.source, signal));
    await turn();
    failed.fail(reason);
    await assert.rejects(rejected, reason);
    assert.deepEqual(failed.calls, ["next"]);
    assert.deepEqual(getEventListeners(signal, "abort"), []);
  });

  it("closes the source when its reader stops", async () => {
    const { signal } = new AbortController();
    const { source, calls, give } = handSource();
    const stopped = (async () => {
      for await (const _ of abortable(source, signal)) break;
    })();
    await turn();
    give(1);
    await stopped;
    assert.deepEqual(calls, ["next", "return"]);
    assert.deepEqual(getEventListeners(signal, "abort"), []);
  });

  it("keeps nothing of what has passed, however long the signal lives", async () => {
    const { signal } = new AbortController();
    let passed = 0;
    const payloads: WeakRef<object>[] = [];
    async function* source() {
      for (; passed < 1_000; passed++) {
        const payload = { passed };
        payloads.push(new WeakRef(payload));
        yield payload;
      }
      // The reader has let go of all that came before.
      await turn();
      globalThis.gc?.();
      await turn();
      const alive = payloads.filter((payload) => payload.deref() !== undefined).length;
      assert.ok(alive < 10, `${alive} of 1000 are still alive`);
    }
    for await (const _ of abortable(source(), signal));
  });
});
