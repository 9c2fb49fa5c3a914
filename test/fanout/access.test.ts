import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Access, Hub, SpillwayError, type SubscribeRequest } from "../../src/index.ts";
import type { QueueBounds } from "../../src/protocol/index.ts";
import { handHub } from "../support/engine.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { ValveSink } from "../support/valve-sink.ts";

failOnLeaks();

const asked = { action: "subscribe", topics: ["a"] } as const;

/** What a caller with that access gets for its request: policy and bounds, or the refusal's code and field. */
function outcome(request: Partial<SubscribeRequest>, access?: Access) {
  const { hub, clock } = handHub({
    overflow: "drop-newest",
    queue: { messages: 10, bytes: 1_000 },
    maxQueue: { messages: 50, bytes: 5_000 },
  });
  const sink = new ValveSink();
  try {
    hub.attach({ patterns: ["a"], ...request }, sink, access);
  } catch (error) {
    assert.ok(error instanceof SpillwayError, String(error));
    assert.equal(String(sink), "", "thrown before it touches the sink");
    assert.equal([...hub.subscriptions()].length, 0);
    return `${error.code} ${error.field}`;
  }
  clock.turn();
  const [started] = sink.frames;
  assert.equal(started?.kind, "started");
  return started.kind === "started" ? { overflow: started.overflow, queue: started.queue } : undefined;
}

const granted = (overflow: string, messages: number, bytes: number) => ({
  overflow,
  queue: { messages, bytes } satisfies QueueBounds,
});

describe("what a subscriber asks for", () => {
  it("is the hub's default where it does not say", () => {
    assert.deepEqual(outcome({}), granted("drop-newest", 10, 1_000));
    assert.deepEqual(outcome({}, {}), granted("drop-newest", 10, 1_000));
    assert.deepEqual(outcome({ queue: { messages: 3 } }, {}), granted("drop-newest", 3, 1_000));
  });

  it("may be to block publishers for code of this process, and for a remote caller only where the owner says so", () => {
    const { hub } = handHub();
    const request = { patterns: ["a"], overflow: "block" } as const;
    assert.equal(hub.attach(request, new ValveSink()).stats().overflow, "block");
    assert.equal(hub.attach(request, new ValveSink(), { overflow: ["block"] }).stats().overflow, "block");
    assert.throws(() => hub.attach(request, new ValveSink(), {}), { code: "NOT_ALLOWED", field: "overflow" });
    const blocking = handHub({ overflow: "block" }).hub;
    assert.equal(blocking.attach({ patterns: ["a"] }, new ValveSink()).stats().overflow, "block");
    assert.equal(
      blocking.attach({ patterns: ["a"] }, new ValveSink(), {}).stats().overflow,
      "block",
      "unasked",
    );
    const allowing = handHub({ allowedOverflow: ["block"] }).hub;
    assert.equal(allowing.attach(request, new ValveSink(), {}).stats().overflow, "block");
  });

  it("is granted in full to code of this process, and bounded for a remote caller", () => {
    const request = { overflow: "evict", queue: { messages: 1_000, bytes: 100_000 } } as const;
    assert.deepEqual(outcome(request), granted("evict", 1_000, 100_000));
    assert.deepEqual(outcome(request, {}), granted("evict", 50, 5_000));
    assert.deepEqual(outcome(request, { queue: { messages: 20 } }), granted("evict", 20, 5_000));
    assert.deepEqual(outcome({}, { queue: { messages: 2, bytes: 2 } }), granted("drop-newest", 2, 2));
  });

  it("is a policy among those allowed, or a refusal that names them", () => {
    assert.deepEqual(outcome({}, { overflow: ["evict", "conflate"] }), granted("evict", 10, 1_000));
    assert.deepEqual(outcome({}, { overflow: ["evict", "drop-newest"] }), granted("drop-newest", 10, 1_000));
    assert.equal(outcome({ overflow: "conflate" }, { overflow: ["evict"] }), "NOT_ALLOWED overflow");
    const { hub } = handHub();
    assert.throws(
      () => hub.attach({ patterns: ["a"], overflow: "conflate" }, new ValveSink(), { overflow: ["evict"] }),
      { message: "the overflow policy conflate is not granted here; ask for evict, or for none" },
    );
  });

  it("is refused with the field at fault when it is wrong", () => {
    const cases: readonly (readonly [Partial<SubscribeRequest>, string])[] = [
      [{ patterns: [] }, "REQUEST_INVALID patterns"],
      [{ patterns: Array.from({ length: 65 }, (_, index) => `a${index}`) }, "REQUEST_INVALID patterns"],
      [{ patterns: ["a", "b..c"] }, "PATTERN_INVALID patterns"],
      [{ overflow: "park" as "evict" }, "REQUEST_INVALID overflow"],
      [{ queue: { messages: 0 } }, "REQUEST_INVALID queue"],
      [{ queue: { bytes: Number.NaN } }, "REQUEST_INVALID queue"],
      [
        { filter: { keys: Array.from({ length: 1_025 }, (_, index) => `k${index}`) } },
        "REQUEST_INVALID filter",
      ],
      [{ clientName: "x".repeat(129) }, "REQUEST_INVALID client_name"],
      [{ clientName: "a\nb" }, "REQUEST_INVALID client_name"],
      [{ clientName: "\ud800" }, "REQUEST_INVALID client_name"],
      [{ labels: { ["x".repeat(129)]: "" } }, "REQUEST_INVALID labels"],
      [{ labels: { a: "x".repeat(129) } }, "REQUEST_INVALID labels"],
      [{ labels: { a: "\u001b" } }, "REQUEST_INVALID labels"],
      [{ labels: { a: 1 as never } }, "REQUEST_INVALID labels"],
      [{ labels: labels(17) }, "REQUEST_INVALID labels"],
    ];
    for (const [request, refusal] of cases) assert.equal(outcome(request, {}), refusal);
  });

  it("may repeat a pattern, and may be as much as the limits say", () => {
    const patterns = Array.from({ length: 64 }, (_, index) => `a${index}`);
    assert.deepEqual(outcome({ patterns: [...patterns, ...patterns] }), granted("drop-newest", 10, 1_000));
    assert.deepEqual(outcome({ clientName: "x".repeat(128) }), granted("drop-newest", 10, 1_000));
    assert.deepEqual(outcome({ labels: labels(16) }), granted("drop-newest", 10, 1_000));
  });

  it("shows the labels as they came, whatever they are called, and cannot be changed from outside", () => {
    const { hub } = handHub();
    const given = JSON.parse('{"__proto__": "x", "constructor": "y"}');
    const { labels } = hub.attach({ patterns: ["a"], labels: given }, new ValveSink(), {}).stats();
    given.constructor = "z";
    assert.deepEqual(Object.entries(labels), [
      ["__proto__", "x"],
      ["constructor", "y"],
    ]);
    assert.deepEqual(hub.attach({ patterns: ["a"] }, new ValveSink(), {}).stats().labels, {});
  });

  it("is refused beyond the hub's limit, and granted again when one has gone", () => {
    const { hub, clock } = handHub({ maxSubscriptions: 2 });
    const first = hub.attach({ patterns: ["a"] }, new ValveSink());
    hub.attach({ patterns: ["a"] }, new ValveSink());
    const third = () => hub.attach({ patterns: ["a"] }, new ValveSink());
    assert.throws(third, { code: "LIMIT_REACHED", message: /there are 2 subscriptions, the most allowed/ });
    first.end("unsubscribed");
    clock.turn();
    third();
    assert.throws(third, { code: "LIMIT_REACHED" });
  });
});

describe("authorize", () => {
  it("grants everything where there is no hook, or the hook returns nothing", async () => {
    assert.deepEqual(await new Hub().authorize(asked), {});
    assert.deepEqual(await new Hub({ authorize: () => undefined }).authorize(asked), {});
  });

  it("is given the request as it is, and what it grants shows with the subscription", async () => {
    let seen: unknown;
    const { hub } = handHub({
      authorize: async (request) => {
        seen = request;
        return { identity: "user 7", class: "gold", queue: { messages: 5 } };
      },
    });
    const request = { ...asked, peer: "10.0.0.1:5", headers: { authorization: "Bearer x" } };
    const access = await hub.authorize(request);
    assert.deepEqual(seen, request);
    const {
      identity,
      class: kind,
      capacity,
    } = hub.attach({ patterns: ["a"] }, new ValveSink(), access).stats();
    assert.deepEqual([identity, kind, capacity.messages], ["user 7", "gold", 5]);
  });

  it("passes a refusal on, and hides any other error behind one", async () => {
    const refusal = new SpillwayError("UNAUTHENTICATED", "show me a token");
    const { hub } = handHub({ authorize: () => Promise.reject(refusal) });
    await assert.rejects(hub.authorize(asked), refusal);
    for (const authorize of [
      () => {
        throw new Error("password of the database: hunter2");
      },
      async () => {
        throw new Error("password of the database: hunter2");
      },
    ]) {
      const { hub, clock, errors } = handHub({ authorize });
      await assert.rejects(hub.authorize(asked), (error: SpillwayError) => {
        assert.equal(error.code, "NOT_ALLOWED");
        assert.doesNotMatch(`${error.message} ${error.cause}`, /hunter2/);
        return true;
      });
      clock.turn();
      assert.equal(errors.length, 1);
      assert.equal(errors[0]?.hook, "authorize");
    }
  });

  it("what a hook grants by mistake is refused and reported, not put into effect", async () => {
    const mistakes: readonly (readonly [unknown, RegExp])[] = [
      [
        { queue: { messages: 0 } },
        /RangeError: access.queue.messages must be a whole number of at least 1, got 0/,
      ],
      [{ queue: { bytes: Number.NaN } }, /RangeError: access.queue.bytes must be .* got NaN/],
      [{ overflow: [] }, /TypeError: access.overflow must name at least one policy/],
      [{ overflow: ["drop"] }, /TypeError: access.overflow must be one of .*, got drop/],
      [{ overflow: "evict" }, /TypeError: access.overflow must be a list of policies, got evict/],
      ["yes", /TypeError: authorize must return an access or nothing, got yes/],
      [false, /TypeError: authorize must return an access or nothing, got false/],
    ];
    for (const [mistake, report] of mistakes) {
      const { hub, clock, errors } = handHub({ authorize: () => mistake as Access });
      await assert.rejects(hub.authorize(asked), { code: "NOT_ALLOWED" });
      clock.turn();
      assert.match(String(errors[0]?.error), report);
    }
  });

  it("an access that is wrong is refused by attach as well, before anything is registered", () => {
    const { hub } = handHub();
    const sink = new ValveSink();
    const access = { queue: { messages: 0 } };
    assert.throws(() => hub.attach({ patterns: ["a"] }, sink, access), { name: "RangeError" });
    assert.equal([...hub.subscriptions()].length, 0);
    assert.equal(String(sink), "");
  });
});

describe("a hub with a large queue", () => {
  it("grants its own default to remote callers without being told the most as well", () => {
    const { hub } = handHub({ queue: { messages: 100_000, bytes: 1 << 26 } });
    const remote = hub.attach({ patterns: ["a"] }, new ValveSink(), {});
    assert.deepEqual(remote.stats().capacity, { messages: 100_000, bytes: 1 << 26 });
  });
});

/** So many labels. */
function labels(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`l${index}`, "x".repeat(128)]));
}
