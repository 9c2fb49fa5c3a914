import assert from "node:assert/strict";
import { describe, it, mock } from "node:test";
import { Hub } from "../../src/index.ts";
import { handHub } from "../support/engine.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { ValveSink } from "../support/valve-sink.ts";

failOnLeaks();

describe("a hook that fails", () => {
  it("a predicate that throws loses that message for that subscription, told in line and reported", () => {
    const { clock, hub, errors } = handHub();
    const [picky, plain] = [new ValveSink(), new ValveSink()];
    const fault = new Error("no opinion");
    const filter = ({ offset }: { offset: number }) => {
      if (offset === 2 || offset === 3) throw fault;
      return true;
    };
    hub.attach({ patterns: ["a"], filter }, picky);
    hub.attach({ patterns: ["a"] }, plain);
    for (let count = 0; count < 4; count++) hub.publish("a", "");
    assert.deepEqual(errors, [], "not inside publish");
    clock.turn();
    assert.equal(String(picky), "started 1 gap(2..3×2:filter-failed) 4");
    assert.equal(String(plain), "started 1 2 3 4");
    assert.deepEqual(errors, [
      { hook: "filter", error: fault },
      { hook: "filter", error: fault },
    ]);
  });

  it("onEnd throws or rejects: contained and reported, and the close still resolves", async () => {
    for (const fails of [
      () => {
        throw new Error("at once");
      },
      async () => {
        throw new Error("later");
      },
    ]) {
      const { clock, hub, errors } = handHub();
      hub.attach({ patterns: ["a"], onEnd: fails }, new ValveSink());
      const closed = hub.close();
      clock.settle();
      await closed;
      await new Promise((resolve) => setImmediate(resolve));
      clock.settle();
      assert.deepEqual(
        errors.map(({ hook }) => hook),
        ["onEnd"],
      );
    }
  });

  it("onError throws or rejects: the process is warned, and nothing else happens", async () => {
    const warn = mock.method(process, "emitWarning", () => {});
    try {
      for (const onError of [
        () => {
          throw new Error("at once");
        },
        async () => {
          throw new Error("later");
        },
      ]) {
        const { clock, hub } = handHub({ onError });
        hub.reportHookError("filter", new Error("first"));
        clock.turn();
        await new Promise((resolve) => setImmediate(resolve));
      }
      const warnings = warn.mock.calls.map(({ arguments: [text] }) => String(text).split("\n")[0]);
      assert.deepEqual(warnings, [
        'the hook "onError" failed and was contained: Error: at once',
        'the hook "onError" failed and was contained: Error: later',
      ]);
    } finally {
      warn.mock.restore();
    }
  });

  it("without onError the process is warned, at most once per hook every ten seconds", () => {
    const warn = mock.method(process, "emitWarning", () => {});
    try {
      const clock = new ManualClock();
      const hub = new Hub({ clock });
      hub.reportHookError("filter", new Error("one"));
      hub.reportHookError("filter", new Error("two"));
      hub.reportHookError("render", new Error("three"));
      clock.advance(9_999);
      hub.reportHookError("filter", new Error("four"));
      clock.advance(1);
      hub.reportHookError("filter", new Error("five"));
      const warnings = warn.mock.calls.map(({ arguments: [text] }) => String(text).split("\n")[0]);
      assert.deepEqual(warnings, [
        'the hook "filter" failed and was contained: Error: one',
        'the hook "render" failed and was contained: Error: three',
        'the hook "filter" failed and was contained: Error: five',
      ]);
    } finally {
      warn.mock.restore();
    }
  });

  const hostile = {
    "an object without a prototype": Object.create(null),
    "an error whose stack throws": Object.defineProperty(new Error("x"), "stack", {
      get() {
        throw new Error("no stack for you");
      },
    }),
    "an error whose stack is a symbol": Object.defineProperty(new Error("x"), "stack", {
      value: Symbol("s"),
    }),
    "a symbol": Symbol("thrown"),
    nothing: undefined,
  };
  for (const [name, thrown] of Object.entries(hostile)) {
    it(`a predicate throws ${name}: still contained, and the hub goes on`, () => {
      const warn = mock.method(process, "emitWarning", () => {});
      try {
        const clock = new ManualClock();
        const hub = new Hub({ clock });
        const [hostileSink, plain] = [new ValveSink(), new ValveSink()];
        const filter = () => {
          throw thrown;
        };
        hub.attach({ patterns: ["a"], filter }, hostileSink);
        hub.attach({ patterns: ["a"] }, plain);
        hub.publish("a", "");
        hub.publish("a", "");
        clock.turn();
        assert.equal(String(plain), "started 1 2");
        assert.equal(String(hostileSink), "started gap(1..2×2:filter-failed) progress(2)");
        assert.equal(warn.mock.callCount(), 1);
      } finally {
        warn.mock.restore();
      }
    });
  }

  it("a predicate that answers with a promise has not answered: told as a loss, its rejection contained", async () => {
    const { clock, hub, errors } = handHub();
    const sink = new ValveSink();
    const filter = (async () => {
      throw new Error("later");
    }) as unknown as () => boolean;
    hub.attach({ patterns: ["a"], filter }, sink);
    hub.publish("a", "");
    clock.turn();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(String(sink), "started gap(1..1×1:filter-failed) progress(1)");
    assert.match(String(errors[0]?.error), /TypeError: .*expected true or false, got a promise/);
  });
});
