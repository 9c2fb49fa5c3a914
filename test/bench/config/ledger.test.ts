import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ClientFigures } from "../../../bench/config-results.ts";
import { Histogram } from "../../../bench/harness/histogram.ts";
import { KIND_LABEL } from "../../../bench/scenarios/config/guises.ts";
import { problemsOf } from "../../../bench/scenarios/config/judge.ts";
import { Ledger } from "../../../bench/scenarios/config/ledger.ts";
import type { ServedKind } from "../../../bench/scenarios/config/messages.ts";
import { retentionOf, retentionText } from "../../../bench/scenarios/config/retained.ts";
import { rungText, treatmentOf } from "../../../bench/scenarios/config/treatment.ts";
import { Hub, type Rung } from "../../../src/fanout/index.ts";
import { failOnLeaks } from "../../support/leaks.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { type Valve, ValveSink } from "../../support/valve-sink.ts";

failOnLeaks();

const load = {
  topics: ["a"],
  rate: 100,
  burst: 1,
  payloadBytes: 16,
  keys: 10,
  seconds: 10,
  frozen: { fromMs: 2_000, toMs: 7_000 },
  away: [],
};

describe("the books by kind of client", () => {
  it("are those of the measured time, of the subscriptions that ended as well", () => {
    const clock = new ManualClock();
    const classes = { gold: { match: { clientName: "g*" } } };
    const hub = new Hub({ queue: { messages: 2 }, classes, clock });
    const ledger = new Ledger(hub);
    const attach = (kind: string, valve: Valve, clientName?: string) =>
      hub.attach({ patterns: ["a"], labels: { [KIND_LABEL]: kind }, clientName }, new ValveSink({ valve }));
    attach("healthy", "open");
    const slow = attach("slow", "shut", "g1");
    clock.advance(0);
    hub.publish("a", "before the measured time");
    clock.advance(0);

    ledger.begin();
    for (let left = 5; left > 0; left--) {
      hub.publish("a", "in the measured time");
      clock.advance(0);
    }
    ledger.look();
    slow.end("slow");
    clock.advance(0);
    const books = ledger.books();
    const granted = ledger.grantedTo("slow");
    assert.ok(ledger.balanced);
    ledger.stop();
    void hub.close({ drainTimeoutMs: 0 });
    clock.advance(0);

    const healthy = books.get("healthy")!;
    assert.deepEqual(
      [healthy.waitedBefore, healthy.matched, healthy.delivered, healthy.waiting],
      [0, 5, 5, 0],
    );
    assert.deepEqual([healthy.dropped, healthy.ended], [{}, {}]);
    const ended = books.get("slow")!;
    // One was in its queue, and of five more two are there in the end.
    assert.deepEqual([ended.waitedBefore, ended.matched, ended.delivered, ended.waiting], [1, 5, 0, 0]);
    assert.deepEqual([ended.dropped, ended.discarded, ended.ended], [{ overflow: 4 }, 2, { slow: 1 }]);
    assert.equal(ended.looks, 1);
    assert.deepEqual([granted.class, granted.topic, granted.queue.messages], ["gold", "a", 2]);
  });

  it("are told from those of a hub that counts otherwise", async () => {
    const hub = new Hub();
    const ledger = new Ledger(hub);
    hub.attach({ patterns: ["a"] }, new ValveSink());
    assert.ok(ledger.balanced);
    ledger.stop();
    hub.attach({ patterns: ["a"] }, new ValveSink());
    hub.publish("a", "seen by one of them only");
    assert.equal(ledger.balanced, false);
    await hub.close({ drainTimeoutMs: 0 });
  });
});

describe("how clients are treated", () => {
  const escalation: readonly Rung[] = [
    { when: { lagMs: 2_000, lagMessages: 10 }, policy: "conflate" },
    { when: { fullForMs: 30_000 }, policy: "drop-newest" },
    { when: { stalledForMs: 1_000 }, policy: "park" },
    { when: { stalledForMs: 60_000 }, policy: "evict" },
  ];
  const granted = {
    class: "gold",
    topic: "prices.EURUSD",
    overflow: "drop-oldest" as const,
    queue: { messages: 1024, bytes: 1_048_576 },
    escalation,
    stallTimeoutMs: 4_000,
  };

  it("is said in the file's own words", () => {
    const hub = {
      topics: { "prices.>": { retention: { messages: 10, bytes: 2_048, ageMs: 60_000 } }, ">": {} },
    };
    const { rungs, unreached: _, ...rest } = treatmentOf(granted, hub, load);
    assert.deepEqual(rest, {
      class: "gold",
      pattern: "prices.>",
      overflow: "drop-oldest",
      queue: "1024 / 1MiB",
      retention: "10 / 2KiB / 1m",
    });
    assert.deepEqual(rungs, escalation.map(rungText));
    assert.equal(rungs[0], "lag 2s and lagMessages 10: conflate");
  });

  it("tells which rungs the load is too short for", () => {
    const { unreached } = treatmentOf(granted, {}, load);
    // The frozen ones are frozen for five seconds, of which the stall timeout takes four.
    assert.deepEqual(unreached, ["fullFor 30s: drop-newest", "stalledFor 1m: evict"]);
  });

  it("tells a log that retains the latest of each key from one that retains all", () => {
    const retention = { latestPerKey: true, keys: 5 } as const;
    assert.equal(retentionText(retentionOf({ topics: { a: { retention } } }, "a")!), "latest of 5 keys");
    assert.equal(retentionOf({ topics: { a: { retention } } }, "b"), undefined);
  });
});

describe("a trial of a configuration", () => {
  const nothing = new Histogram().data();
  const client: ClientFigures = {
    subscribers: 1,
    expected: 10,
    read: 6,
    told: 1,
    missing: 0,
    undelivered: 3,
    duplicated: 0,
    reordered: 0,
    falselyTold: 0,
    trimmed: 0,
    unknownLosses: 0,
    garbled: 0,
    comebacks: 0,
    over: 0,
    age: nothing,
    outOfDate: nothing,
    looks: 0,
  };
  const served: ServedKind = {
    hub: {
      waitedBefore: 0,
      matched: 10,
      delivered: 6,
      dropped: { overflow: 1 },
      conflated: 2,
      expired: 0,
      discarded: 0,
      waiting: 1,
      ended: {},
      queuedBytesPeak: 0,
      looks: 1,
      looksParked: 0,
      looksOnRung: 0,
    },
    granted: {
      class: undefined,
      topic: "a",
      overflow: "drop-oldest",
      queue: { messages: 1, bytes: 1 },
      escalation: [],
      stallTimeoutMs: 0,
    },
  };
  const problems = (
    of: Partial<ClientFigures>,
    { kind = served, balanced = true, compacted = false } = {},
  ): readonly string[] =>
    problemsOf({ balanced, kinds: { k: kind } }, { k: { ...client, ...of } }, () => compacted);

  it("is good when everything is accounted for", () => {
    assert.deepEqual(problems({}), []);
  });

  it("is not when the hub's books do not balance, or it does not know a kind", () => {
    assert.deepEqual(problems({}, { balanced: false }), ["the books of the hub do not balance"]);
    assert.deepEqual(
      problemsOf({ balanced: true, kinds: {} }, { k: client }, () => false),
      ["k: the hub knows nothing of them"],
    );
  });

  it("is not when a client missed, got or was told what it should not", () => {
    assert.deepEqual(problems({ read: 5 }), ["k: 10 messages were published for them, and 9 accounted for"]);
    assert.deepEqual(problems({ missing: 1, undelivered: 2 }), [
      "k: they missed 1 message without being told",
    ]);
    assert.deepEqual(problems({ duplicated: 2 }), ["k: they got 2 messages twice"]);
    assert.deepEqual(problems({ reordered: 1 }), ["k: they got 1 message out of order"]);
    assert.deepEqual(problems({ garbled: 1 }), ["k: they got 1 message that were never published like that"]);
    assert.deepEqual(problems({ falselyTold: 3 }), ["k: they were told of 3 messages lost that were not"]);
  });

  it("may tell a loss again to whoever came back", () => {
    assert.deepEqual(problems({ falselyTold: 3, comebacks: 1 }), []);
  });

  it("is not when a client got what the hub has not sent", () => {
    const hub = { ...served.hub, delivered: 3, waiting: 1, discarded: 1 };
    assert.deepEqual(problems({}, { kind: { ...served, hub } }), [
      "k: they got 1 message that the hub has not sent",
    ]);
  });

  it("may replace messages without having told it yet, and bring a later one before an earlier one", () => {
    const conflating: ServedKind = { ...served, granted: { ...served.granted, overflow: "conflate" } };
    assert.deepEqual(problems({ missing: 3, undelivered: 0, reordered: 1 }, { kind: conflating }), []);
  });

  it("may leave out what was before the latest of each key, where only that is retained", () => {
    assert.deepEqual(problems({ missing: 3, undelivered: 0 }, { compacted: true }), []);
  });
});
