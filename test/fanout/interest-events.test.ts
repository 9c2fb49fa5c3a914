import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Hub, type HubOptions, type InterestChange, type Subscription } from "../../src/index.ts";
import { handHub } from "../support/engine.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { runs } from "../support/property.ts";
import { ValveSink } from "../support/valve-sink.ts";

failOnLeaks();

/** A hub that writes down what it tells of interest: `+a` and `-a`. */
function watched(options: HubOptions = {}) {
  const told: string[] = [];
  const onInterest = ({ pattern, interested }: InterestChange) => {
    told.push(`${interested ? "+" : "-"}${pattern}`);
  };
  const { hub, clock, errors } = handHub({ onInterest, interestDebounceMs: 1_000, ...options });
  const join = (...patterns: string[]) => hub.attach({ patterns }, new ValveSink());
  const leave = (subscription: Subscription) => {
    subscription.end("unsubscribed");
    clock.settle();
  };
  return { hub, clock, errors, told, join, leave };
}

describe("the interest of subscribers", () => {
  it("is told with the first of each pattern, in the same turn but not inside subscribe()", () => {
    const { clock, told, join } = watched();
    join("a.*", "b");
    join("a.*");
    assert.deepEqual(told, []);
    clock.turn();
    assert.deepEqual(told, ["+a.*", "+b"]);
    join("b");
    clock.settle();
    assert.deepEqual(told, ["+a.*", "+b"]);
  });

  it("is told to be over when the last has been gone for a while", () => {
    const { clock, told, join, leave } = watched();
    const [first, second] = [join("a"), join("a")];
    clock.settle();
    leave(first);
    clock.advance(5_000);
    assert.deepEqual(told, ["+a"]);
    leave(second);
    clock.advance(999);
    assert.deepEqual(told, ["+a"]);
    clock.advance(1);
    assert.deepEqual(told, ["+a", "-a"]);
    assert.equal(clock.timers, 0);
    join("a");
    clock.settle();
    assert.deepEqual(told, ["+a", "-a", "+a"]);
  });

  it("is not told to be over when somebody comes in the meantime, whose own leave waits its full time", () => {
    const { clock, told, join, leave } = watched();
    leave(join("a"));
    clock.advance(999);
    const back = join("a");
    clock.advance(5_000);
    assert.deepEqual(told, ["+a"]);
    leave(back);
    clock.advance(999);
    assert.deepEqual(told, ["+a"]);
    clock.advance(1);
    assert.deepEqual(told, ["+a", "-a"]);
  });

  it("stays while its subscriber is parked or reads the past", () => {
    const { hub, clock, told } = watched({ retention: {} });
    const sink = new ValveSink();
    const subscription = hub.attach({ patterns: ["a"], overflow: "park", queue: { messages: 1 } }, sink);
    clock.settle();
    sink.valve = "shut";
    for (let each = 0; each < 5; each++) hub.publish("a", "");
    clock.advance(5_000);
    assert.equal(subscription.state, "parked");
    sink.openValve();
    clock.advance(5_000);
    assert.deepEqual([subscription.state, told], ["live", ["+a"]]);
  });

  it("that nobody was told of is not told to be over either", async () => {
    const told: string[] = [];
    // By the process's clock: what promises bring comes between two calls that `soon` collected.
    const hub = new Hub({
      onInterest: ({ pattern, interested }) => void told.push(`${interested ? "+" : "-"}${pattern}`),
    });
    hub.attach({ patterns: ["a"] }, new ValveSink());
    // Its coming is to be told behind the flush, in which it ends.
    hub.attach({ patterns: ["b"] }, new ValveSink());
    await hub.close();
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(told, ["+a", "-a"]);
  });

  it("is told to be over at once when the hub closes", async () => {
    const { hub, clock, told, join, leave } = watched();
    leave(join("gone"));
    join("a", "b");
    clock.settle();
    const closed = hub.close();
    clock.settle();
    await closed;
    assert.deepEqual(told, ["+gone", "+a", "+b", "-gone", "-a", "-b"]);
    assert.equal(clock.timers, 0);
  });

  it("is told to a hook that may fail: contained, reported, and the next change is told", async () => {
    const fault = new Error("no feed");
    const changes: InterestChange[] = [];
    const { hub, clock, errors } = handHub({
      onInterest(change) {
        changes.push(change);
        if (changes.length === 1) throw fault;
        return Promise.reject(fault) as never;
      },
    });
    hub.attach({ patterns: ["a", "b"] }, new ValveSink());
    clock.settle();
    await new Promise((resolve) => setImmediate(resolve));
    clock.settle();
    assert.deepEqual(errors, [
      { hook: "onInterest", error: fault },
      { hook: "onInterest", error: fault },
    ]);
    assert.equal(changes.length, 2);
  });

  it("may be answered by a publish to the topic, which the newcomer gets", () => {
    const { hub, clock } = handHub({
      onInterest({ pattern, interested }) {
        if (interested) hub.publish(pattern, "");
      },
    });
    const sink = new ValveSink();
    hub.attach({ patterns: ["a"] }, sink);
    clock.settle();
    assert.equal(String(sink), "started 1");
  });

  it("alternates for every pattern and is right in the end, whoever comes and goes", () => {
    const pattern = fc.constantFrom("a", "a.*", ">");
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.tuple(fc.constant("join" as const), pattern) },
      { weight: 3, arbitrary: fc.tuple(fc.constant("leave" as const), fc.nat(5)) },
      { weight: 2, arbitrary: fc.tuple(fc.constant("advance" as const), fc.constantFrom(0, 400, 1_000)) },
      { weight: 1, arbitrary: fc.tuple(fc.constantFrom("turn" as const, "block" as const)) },
    );
    fc.assert(
      fc.property(fc.constantFrom(0, 1_000), fc.array(step, { maxLength: 40 }), (debounce, steps) => {
        const { clock, told, join } = watched({ interestDebounceMs: debounce });
        const here: { subscription: Subscription; pattern: string }[] = [];
        for (const [what, value] of steps) {
          if (what === "join") here.push({ subscription: join(String(value)), pattern: String(value) });
          else if (what === "leave") here.splice(Number(value), 1)[0]?.subscription.end("unsubscribed");
          else if (what === "advance") clock.advance(Number(value));
          else if (what === "turn") clock.turn();
          else clock.block(100);
          assertAlternate(told);
        }
        clock.advance(2_000);
        assertAlternate(told);
        for (const each of ["a", "a.*", ">"]) {
          const last = told.filter((change) => change.slice(1) === each).at(-1);
          assert.equal(
            last?.startsWith("+") === true,
            here.some((one) => one.pattern === each),
          );
        }
      }),
      runs(300),
    );
  });
});

function assertAlternate(told: readonly string[]): void {
  const interested = new Set<string>();
  for (const change of told) {
    const pattern = change.slice(1);
    assert.equal(interested.has(pattern), change.startsWith("-"), told.join(" "));
    if (change.startsWith("+")) interested.add(pattern);
    else interested.delete(pattern);
  }
}
