import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { type ServiceError, status } from "@grpc/grpc-js";
import type { Clock } from "../../../../src/clock.ts";
import { SpillwayError } from "../../../../src/errors.ts";
import { type AccessRequest, Hub, type HubOptions } from "../../../../src/fanout/index.ts";
import type { ListQuery, SubscriptionReport } from "../../../../src/transport/grpc/admin/reports.ts";
import { adminService } from "../../../../src/transport/grpc/admin/service.ts";
import {
  queryToWire,
  statsFromWire,
  subscriptionFromWire,
} from "../../../../src/transport/grpc/admin/wire.ts";
import { type AdminServiceOptions, loadContracts, readStatus } from "../../../../src/transport/grpc/index.ts";
import { subscribeToWire } from "../../../../src/transport/grpc/wire.ts";
import { callUnary, openStream } from "../../../support/grpc-calls.ts";
import { eventually, type ServedHub, servedHub } from "../../../support/grpc-served-hub.ts";
import { failOnLeaks } from "../../../support/leaks.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { ValveSink } from "../../../support/valve-sink.ts";

failOnLeaks();

const { admin, fanout } = loadContracts();

function start(t: TestContext, options: AdminServiceOptions = {}, hub: HubOptions = {}): Promise<ServedHub> {
  return servedHub(t, { longlived: false, admin: options }, hub);
}

interface List {
  readonly total: number;
  readonly reports: readonly SubscriptionReport[];
  /** How many came in each response. */
  readonly pages: readonly number[];
}

/** Without rates, unless they are asked for. */
async function list({ client }: ServedHub, query: ListQuery = {}): Promise<List> {
  const stream = openStream(client, admin.ListSubscriptions, queryToWire({ windowMs: 0, ...query }));
  const end = await stream.status;
  if (end.code !== status.OK) throw Object.assign(new Error(end.details), end);
  const pages = stream.received.map(({ subscriptions }) => subscriptions ?? []);
  return {
    total: Number(stream.received[0]?.total),
    reports: pages.flat().map(subscriptionFromWire),
    pages: pages.map(({ length }) => length),
  };
}

const namesIn = ({ reports }: List) => reports.map(({ clientName }) => clientName);

/** A clock whose time and timers are in the test's hands, while the event loop turns by itself. */
function handClock(): { readonly hand: ManualClock; readonly clock: Clock } {
  const hand = new ManualClock();
  return {
    hand,
    clock: {
      now: () => hand.now(),
      unixMs: () => hand.unixMs(),
      every: (ms, run) => hand.every(ms, run),
      after: (ms, run) => hand.after(ms, run),
      soon: (run) => void setImmediate(run),
    },
  };
}

/** Opens a valve for good. */
function letGo(sink: ValveSink): void {
  sink.valve = "open";
  sink.release();
}

/** Refused with this code, and this field. */
function refusal(code: status, field?: string) {
  return (error: unknown): boolean => {
    const received = readStatus(error as ServiceError);
    assert.deepEqual([(error as ServiceError).code, received.field], [code, field]);
    return true;
  };
}

test("a server does not have the service unless it is asked for", async (t) => {
  const { client } = await servedHub(t);
  await assert.rejects(callUnary(client, admin.GetStats, {}), { code: status.UNIMPLEMENTED });
});

describe("ListSubscriptions", () => {
  test("puts stalled before slow before good, and tells what each is about", async (t) => {
    const { hand, clock } = handClock();
    const server = await start(
      t,
      {},
      {
        clock,
        queue: { messages: 4 },
        stallTimeoutMs: 1_000,
        escalation: [],
        classes: { dashboards: { match: { labels: { tier: "gold" } } } },
      },
    );
    const { hub } = server;
    const frozen = new ValveSink({ valve: "shut" });
    const slow = new ValveSink({ valve: "shut" });
    const attach = (clientName: string, sink: ValveSink) =>
      hub.attach({ patterns: ["load.*"], clientName, labels: { tier: "gold" } }, sink, { identity: "me" });
    const frozenOne = attach("frozen", frozen);
    attach("slow", slow);
    attach("good", new ValveSink());
    await eventually(() => frozen.outstanding && slow.outstanding);
    // Of the two that take nothing, one has begun a write later, which is not too old yet.
    hand.advance(2_000);
    await eventually(() => frozenOne.stats().delivery === "stalled");
    slow.release();
    hub.publish("load.a", "first");
    await eventually(() => slow.outstanding);
    for (let n = 0; n < 10; n++) hub.publish("load.a", "x".repeat(100));
    hand.advance(200);

    const found = await list(server);
    assert.deepEqual(namesIn(found), ["frozen", "slow", "good"]);
    assert.equal(found.total, 3);
    const [first, second, third] = found.reports as [
      SubscriptionReport,
      SubscriptionReport,
      SubscriptionReport,
    ];
    assert.deepEqual(
      [first.health, first.state, first.delivery, first.slow],
      ["stalled", "live", "stalled", true],
    );
    assert.deepEqual(
      [second.health, second.state, second.delivery, second.slow],
      ["slow", "live", "writing", true],
    );
    assert.deepEqual(
      [third.health, third.state, third.delivery, third.slow],
      ["good", "live", "idle", false],
    );
    assert.deepEqual([second.queued, second.capacity.messages, second.inFlight], [4, 4, 1]);
    assert.deepEqual([second.dropped.overflow, second.matched, second.delivered], [6, 11, 0]);
    assert.equal(second.lagMs, 200);
    for (const report of found.reports) {
      assert.deepEqual(report.patterns, ["load.*"]);
      assert.deepEqual(report.labels, { tier: "gold" });
      assert.deepEqual([report.identity, report.class], ["me", "dashboards"]);
      assert.deepEqual([report.rates, report.peer], [undefined, undefined]);
    }
    letGo(frozen);
    letGo(slow);
  });

  test("tells where a remote subscriber comes from, and when it came", async (t) => {
    const server = await start(t);
    const before = Date.now();
    const stream = openStream(server.client, fanout.Subscribe, subscribeToWire({ patterns: ["a"] }));
    await stream.take(1);
    const { reports } = await list(server);
    assert.match(reports[0]?.peer ?? "", /^127\.0\.0\.1:\d+$/);
    // Clocks of one machine; each process notes the wall clock at its start.
    assert.ok(Math.abs((reports[0]?.startedAtMs ?? 0) - before) < 60_000);
  });

  test("lists those for whom all holds that is given, and counts them", async (t) => {
    const server = await start(t, {}, { retention: { messages: 10 } });
    const { hub } = server;
    const attach = (clientName: string, pattern: string, access = {}) =>
      hub.attach({ patterns: [pattern], clientName }, new ValveSink(), access);
    attach("dash-1", "prices.*");
    const parked = attach("dash-2", "prices.EURUSD", { class: "gold" });
    attach("other", "news.>", { class: "gold" });
    assert.deepEqual(namesIn(await list(server, { clientNamePrefix: "dash-" })).sort(), ["dash-1", "dash-2"]);
    assert.deepEqual(namesIn(await list(server, { class: "gold" })).sort(), ["dash-2", "other"]);
    assert.deepEqual(namesIn(await list(server, { class: "gold", clientNamePrefix: "dash-" })), ["dash-2"]);
    assert.deepEqual(namesIn(await list(server, { topicPattern: "*.*" })).length, 3);
    assert.deepEqual(namesIn(await list(server, { topicPattern: "prices.GBPUSD" })), ["dash-1"]);
    assert.deepEqual(namesIn(await list(server, { idPrefix: parked.id.slice(0, 8) })), ["dash-2"]);
    assert.deepEqual((await list(server, { states: ["live"] })).total, 3);
    assert.deepEqual((await list(server, { health: ["good"], states: ["live", "parked"] })).total, 3);
    const none = await list(server, { health: ["stalled", "slow"] });
    assert.deepEqual([none.total, none.reports, none.pages], [0, [], [0]]);
  });

  test("sends the worst so many, a bounded number of them per response, and the total with the first", async (t) => {
    const { clock } = handClock();
    const server = await start(t, {}, { clock });
    const { hub } = server;
    const sinks = Array.from({ length: 100 }, () => new ValveSink({ valve: "shut" }));
    for (const [index, sink] of sinks.entries()) {
      hub.attach({ patterns: [`t${index}`], clientName: String(index) }, sink, {});
    }
    await eventually(() => sinks.every(({ outstanding }) => outstanding));
    // At one instant: a later one has more in its queue.
    for (let n = 0; n < 100; n++) {
      for (let index = n; index < 100; index++) hub.publish(`t${index}`, "x");
    }
    const all = await list(server);
    assert.deepEqual([all.total, all.pages], [100, [32, 32, 32, 4]]);
    const expected = Array.from({ length: 100 }, (_, index) => String(99 - index));
    assert.deepEqual(namesIn(all), expected);
    const some = await list(server, { limit: 33 });
    assert.deepEqual([some.total, some.pages], [100, [32, 1]]);
    assert.deepEqual(namesIn(some), expected.slice(0, 33));
    const one = await list(server, { limit: 1 });
    assert.deepEqual([one.total, one.pages], [100, [1]]);
    for (const sink of sinks) letGo(sink);
  });

  test("measures rates over the window, for those who were there when it began", async (t) => {
    const { hand, clock } = handClock();
    const server = await start(t, { clock });
    const { hub } = server;
    hub.attach({ patterns: ["a"], clientName: "old" }, new ValveSink(), {});
    hub.publish("a", "before");
    const listing = list(server, { windowMs: 2_000 });
    await eventually(() => hand.timers === 1);
    for (let n = 0; n < 10; n++) hub.publish("a", "x");
    hub.attach({ patterns: ["a"], clientName: "new" }, new ValveSink(), {});
    await eventually(() => [...hub.subscriptions()].every((each) => each.stats().inFlight === 0));
    await eventually(() => hub.stats().queued === 0);
    hand.advance(2_000);
    const { reports } = await listing;
    const ratesOf = (name: string) => reports.find(({ clientName }) => clientName === name)?.rates;
    assert.deepEqual(ratesOf("old"), { windowMs: 2_000, matched: 5, delivered: 5, lost: 0, conflated: 0 });
    assert.equal(ratesOf("new"), undefined);
  });

  test("looks for a second unless it is told otherwise", async (t) => {
    const { hand, clock } = handClock();
    const server = await start(t, { clock });
    server.hub.attach({ patterns: ["a"] }, new ValveSink(), {});
    const listing = list(server, { windowMs: undefined });
    await eventually(() => hand.timers === 1);
    hand.advance(1_000);
    assert.equal((await listing).reports[0]?.rates?.windowMs, 1_000);
  });

  test("lets the event loop turn while it walks: a walk of many turns is many walks of a few", async (t) => {
    let now = 0;
    // Every look takes a millisecond.
    const clock: Clock = { ...handClock().clock, now: () => now++ };
    const server = await start(t, { clock });
    for (let n = 0; n < 500; n++) server.hub.attach({ patterns: ["a"] }, new ValveSink(), {});
    let turns = 0;
    let answered = false;
    const turn = (): void => {
      turns++;
      if (!answered) setImmediate(turn);
    };
    turn();
    const { total } = await list(server, { limit: 1 });
    answered = true;
    assert.equal(total, 500);
    assert.ok(turns >= 250, `${turns} turns`);
  });

  for (const [what, query, field] of [
    ["more than may be listed", { limit: 10_001 }, "limit"],
    ["a window that is too long", { windowMs: 60_001 }, "window_ms"],
    ["a pattern that is none", { topicPattern: "a.>.b" }, "topic_pattern"],
  ] as const satisfies readonly (readonly [string, ListQuery, string])[]) {
    test(`refuses ${what}, and names the field`, async (t) => {
      await assert.rejects(list(await start(t), query), refusal(status.INVALID_ARGUMENT, field));
    });
  }

  test("gives up when its caller does, and leaves nothing behind", async (t) => {
    const { hand, clock } = handClock();
    const server = await start(t, { clock });
    const stream = openStream(server.client, admin.ListSubscriptions, { windowMs: 60_000 });
    await eventually(() => hand.timers === 1);
    stream.call.cancel();
    assert.equal((await stream.status).code, status.CANCELLED);
    await eventually(() => hand.timers === 0);
    assert.deepEqual(server.hookErrors, []);
  });

  test("sends no faster than it is read, and gives up an unread list when the server closes", async (t) => {
    const server = await start(t);
    const { hub } = server;
    // Large ones, so that they cannot all be on their way.
    const labels = Object.fromEntries(
      Array.from({ length: 16 }, (_, index) => [`${index}`.padEnd(128, "x"), "y".repeat(128)]),
    );
    for (let n = 0; n < 2_000; n++) hub.attach({ patterns: ["a"], labels }, new ValveSink(), {});
    const stream = openStream(server.client, admin.ListSubscriptions, { windowMs: 0, limit: 10_000 });
    await stream.take(1);
    stream.call.pause();
    await server.served.close();
    stream.call.resume();
    const { code } = await stream.status;
    assert.notEqual(code, status.OK);
    assert.ok(stream.received.flatMap(({ subscriptions }) => subscriptions ?? []).length < 2_000);
  });
});

describe("GetStats", () => {
  test("tells the books of the hub", async (t) => {
    const server = await start(t, {}, { retention: { messages: 3 } });
    const { hub, client } = server;
    assert.throws(() => hub.attach({ patterns: [".."] }, new ValveSink(), {}));
    const gone = hub.attach({ patterns: ["a"] }, new ValveSink(), {});
    const shut = new ValveSink({ valve: "shut" });
    hub.attach({ patterns: ["a"], queue: { messages: 2 } }, shut, {});
    await eventually(() => shut.outstanding);
    for (let n = 0; n < 5; n++) hub.publish("a", "four");
    gone.end("completed");
    await eventually(() => hub.stats().ended.completed === 1);
    const answer = await callUnary(client, admin.GetStats, { windowMs: 0 });
    const { rates, worstLagMs, ...report } = statsFromWire(answer);
    assert.equal(rates, undefined);
    // It grows while one looks.
    assert.ok(worstLagMs <= hub.stats().worstLagMs + 1);
    for (const [name, value] of Object.entries(report)) {
      assert.deepEqual(value, (hub.stats() as unknown as Record<string, unknown>)[name], name);
    }
    assert.deepEqual([report.dropped.overflow, report.queued, report.discardedAtClose], [3, 2, 5]);
    assert.deepEqual([report.slow, report.brake, report.evictionsHeldBack], [1, "off", 0]);
    assert.deepEqual([report.retained.messages, report.refused.subscriptions], [3, { PATTERN_INVALID: 1 }]);
    letGo(shut);
  });

  test("measures rates over the window", async (t) => {
    const { hand, clock } = handClock();
    const { hub, client } = await start(t, { clock });
    hub.attach({ patterns: ["a"] }, new ValveSink(), {});
    hub.publish("a", "before");
    const asked = callUnary(client, admin.GetStats, { windowMs: 500 });
    await eventually(() => hand.timers === 1);
    for (let n = 0; n < 10; n++) hub.publish("a", "x");
    for (let n = 0; n < 5; n++) hub.publish("b", "x");
    await eventually(() => hub.stats().delivered === 11);
    hand.advance(500);
    const { rates, published } = statsFromWire(await asked);
    assert.deepEqual(rates, {
      windowMs: 500,
      matched: 20,
      delivered: 20,
      lost: 0,
      conflated: 0,
      published: 30,
    });
    assert.equal(published, 16);
  });

  test("refuses a window that is too long", async (t) => {
    const { client } = await start(t);
    const asked = callUnary(client, admin.GetStats, { windowMs: 60_001 });
    await assert.rejects(asked, refusal(status.INVALID_ARGUMENT, "window_ms"));
  });
});

describe("Evict", () => {
  test("ends a subscription, which can go on later, and says what it was", async (t) => {
    const { hub, client } = await start(t);
    const stream = openStream(
      client,
      fanout.Subscribe,
      subscribeToWire({ patterns: ["a"], clientName: "me" }),
    );
    const [response] = await stream.take(1);
    hub.publish("a", "one");
    await stream.take(2);
    await eventually(() => hub.stats().delivered === 1);
    const id = response?.started?.subscriptionId ?? "";
    const { subscription } = await callUnary(client, admin.Evict, { id, detail: "too much of you" });
    const report = subscriptionFromWire(subscription!);
    assert.deepEqual([report.id, report.clientName, report.state, report.delivered], [id, "me", "live", 1]);
    const end = await stream.status;
    const { reason, advice, detail, position, retryAfterMs } = readStatus(end);
    assert.deepEqual([end.code, reason, advice], [status.RESOURCE_EXHAUSTED, "evicted", "resume"]);
    assert.equal(detail, "an operator of the server ended it: too much of you");
    assert.deepEqual(position, { epoch: hub.epoch, offset: 1 });
    assert.ok(retryAfterMs !== undefined && retryAfterMs > 0);
    await eventually(() => hub.stats().ended.evicted === 1);
    await assert.rejects(callUnary(client, admin.Evict, { id }), refusal(status.NOT_FOUND));
  });

  test("says no more than that an operator did it, where he does not", async (t) => {
    const { hub, client } = await start(t);
    const sink = new ValveSink();
    const { id } = hub.attach({ patterns: ["a"] }, sink, {});
    await callUnary(client, admin.Evict, { id });
    await eventually(() => sink.ended !== undefined);
    assert.deepEqual(
      [sink.ended?.reason, sink.ended?.detail],
      ["evicted", "an operator of the server ended it"],
    );
  });

  test("takes no part of an id, and nothing that would do harm in a trailer", async (t) => {
    const { hub, client } = await start(t);
    const { id } = hub.attach({ patterns: ["a"] }, new ValveSink(), {});
    for (const part of ["", id.slice(0, 35), `${id}0`]) {
      await assert.rejects(callUnary(client, admin.Evict, { id: part }), refusal(status.NOT_FOUND));
    }
    for (const detail of ["x".repeat(257), "a\nb", "\u001b[2J"]) {
      const asked = callUnary(client, admin.Evict, { id, detail });
      await assert.rejects(asked, refusal(status.INVALID_ARGUMENT, "detail"));
    }
    assert.equal([...hub.subscriptions()].length, 1);
  });
});

describe("GetConfig", () => {
  test("shows what the server was given to show, as it is at that moment", async (t) => {
    let text = "hub: {}\n";
    const { client } = await start(t, { effectiveConfig: async () => text });
    assert.deepEqual(await callUnary(client, admin.GetConfig, {}), { config: "hub: {}\n" });
    text = "hub: { overflow: evict }\n";
    assert.deepEqual(await callUnary(client, admin.GetConfig, {}), { config: text });
  });

  test("is not there where nothing was given", async (t) => {
    const { client } = await start(t);
    await assert.rejects(callUnary(client, admin.GetConfig, {}), { code: status.UNIMPLEMENTED });
  });

  test("does not tell what went wrong: that goes to the owner", async (t) => {
    const { client, hookErrors } = await start(t, {
      effectiveConfig() {
        throw new Error("the password is 1234");
      },
    });
    await assert.rejects(callUnary(client, admin.GetConfig, {}), (error: ServiceError) => {
      assert.equal(error.code, status.INTERNAL);
      assert.doesNotMatch(JSON.stringify(error), /1234/);
      return true;
    });
    await eventually(() => hookErrors.length === 1);
    assert.equal(hookErrors[0]?.[0], "GetConfig of spillway.v1.Admin");
  });
});

describe("calls under way", () => {
  const full = (most: number) => (error: unknown) => {
    const { code, retryAfterMs, detail } = readStatus(error as ServiceError);
    assert.deepEqual([(error as ServiceError).code, code], [status.RESOURCE_EXHAUSTED, "LIMIT_REACHED"]);
    assert.ok(retryAfterMs !== undefined && retryAfterMs > 0);
    assert.match(detail, new RegExp(`^${most} calls of spillway.v1.Admin are under way`));
    return true;
  };

  test("are bounded: the next is refused and told to come back, until one has ended", async (t) => {
    const { hand, clock } = handClock();
    const server = await start(t, { clock, maxCalls: 2, effectiveConfig: () => "hub: {}\n" });
    const { client } = server;
    const listing = openStream(client, admin.ListSubscriptions, { windowMs: 60_000 });
    const asked = callUnary(client, admin.GetStats, { windowMs: 500 });
    await eventually(() => hand.timers === 2);
    await assert.rejects(list(server), full(2));
    await assert.rejects(callUnary(client, admin.GetStats, { windowMs: 0 }), full(2));
    await assert.rejects(callUnary(client, admin.GetConfig, {}), full(2));
    // It is what relieves a server.
    await assert.rejects(callUnary(client, admin.Evict, { id: "x" }), refusal(status.NOT_FOUND));

    hand.advance(500);
    await asked;
    assert.equal((await list(server)).total, 0);
    // One that is given up leaves its place as well.
    listing.call.cancel();
    await eventually(() => hand.timers === 0);
    const again = [1, 2].map(() => callUnary(client, admin.GetStats, { windowMs: 500 }));
    await eventually(() => hand.timers === 2);
    hand.advance(500);
    await Promise.all(again);
    assert.deepEqual(server.hookErrors, []);
  });

  test("are eight at most, unless more are allowed", async (t) => {
    const { hand, clock } = handClock();
    const server = await start(t, { clock });
    const asked = Array.from({ length: 8 }, () =>
      callUnary(server.client, admin.GetStats, { windowMs: 500 }),
    );
    await eventually(() => hand.timers === 8);
    await assert.rejects(list(server), full(8));
    hand.advance(500);
    await Promise.all(asked);
  });

  test("of those who may not call take no place from those who may", async (t) => {
    let letIn = (): void => {};
    const server = await start(
      t,
      { maxCalls: 1 },
      {
        authorize: ({ method }) =>
          method === "GetStats" ? new Promise((resolve) => (letIn = () => resolve(undefined))) : undefined,
      },
    );
    const asked = callUnary(server.client, admin.GetStats, { windowMs: 0 });
    const before = letIn;
    await eventually(() => letIn !== before);
    assert.equal((await list(server)).total, 0);
    letIn();
    await asked;
  });

  test("must be one at least", () => {
    for (const maxCalls of [0, 1.5, Number.NaN]) {
      assert.throws(() => adminService(new Hub(), { maxCalls }), {
        name: "RangeError",
        message: `maxCalls must be a whole number of at least 1, got ${maxCalls}`,
      });
    }
  });
});

describe("whoever calls", () => {
  const calls = [
    ["ListSubscriptions", (server: ServedHub) => list(server)],
    ["GetStats", ({ client }: ServedHub) => callUnary(client, admin.GetStats, { windowMs: 0 })],
    ["Evict", ({ client }: ServedHub) => callUnary(client, admin.Evict, { id: "x" })],
    ["GetConfig", ({ client }: ServedHub) => callUnary(client, admin.GetConfig, {})],
  ] as const;

  for (const [method, call] of calls) {
    test(`must be allowed to by the hub's authorize hook: ${method}`, async (t) => {
      const asked: AccessRequest[] = [];
      const server = await start(
        t,
        { effectiveConfig: () => "secret" },
        {
          authorize(request) {
            asked.push(request);
            throw new SpillwayError("NOT_ALLOWED", "operators only");
          },
        },
      );
      await assert.rejects(call(server), refusal(status.PERMISSION_DENIED));
      const [{ action, topics, peer, headers, ...rest } = {} as AccessRequest] = asked;
      assert.deepEqual([action, topics, rest], ["admin", [], { method }]);
      assert.match(peer ?? "", /^127\.0\.0\.1:/);
      assert.match(headers?.["user-agent"] ?? "", /^grpc-node-js/);
    });
  }

  test("is refused when the server closes, and a call under way ends at once", async (t) => {
    const { hand, clock } = handClock();
    const server = await start(t, { clock });
    const under = [
      openStream(server.client, admin.ListSubscriptions, { windowMs: 60_000 }).status,
      callUnary(server.client, admin.GetStats, { windowMs: 60_000 }).catch((error: ServiceError) => error),
    ];
    await eventually(() => hand.timers === 2);
    const closed = server.served.close();
    for (const end of await Promise.all(under)) {
      const { reason } = readStatus(end as ServiceError);
      assert.deepEqual([(end as ServiceError).code, reason], [status.UNAVAILABLE, "draining"]);
    }
    assert.equal(hand.timers, 0);
    await closed;
  });
});
