import assert from "node:assert/strict";
import { test } from "node:test";
import type { FullEntry } from "../../examples/demo/messages.ts";
import { summarize } from "../../examples/demo/summary.ts";
import { plain } from "../../examples/demo/text.ts";
import { accountFor, disturbed, type Evidence, judge, type Trial } from "../../examples/demo/verdict.ts";
import type { HubStats, SubscriptionStats } from "../../src/fanout/index.ts";
import type { GapReason } from "../../src/protocol/index.ts";

// Twenty messages at the even offsets: others were published between them. Six to ten were due during the freeze.
const OFFSETS = Array.from({ length: 20 }, (_, index) => 2 * (index + 1));

test("everything as promised passes, and every claim is printed as ok", () => {
  const evidence = evidenceOf({});
  const verdict = judge(evidence);
  assert.deepEqual(
    verdict.checks.flatMap(({ failures }) => failures),
    [],
  );
  assert.equal(verdict.passed, true);
  const text = summarize(evidence, verdict, plain);
  assert.equal(text.match(/^ok /gm)?.length, verdict.checks.length);
  assert.match(text, /20 published = 15 received \+ 5 lost/);
  assert.match(text, /5 messages lost between offsets 12 and 20, reason overflow/);
});

test("a failed claim is printed as one line", () => {
  const evidence = evidenceOf({ sequences: without(sequences(), 3, 9) });
  const text = summarize(evidence, judge(evidence), plain);
  assert.equal(text.match(/^FAILED {2}the other 2 clients lost nothing: client 2 /gm)?.length, 1);
});

// The frozen client

test("a freeze that cost nothing shows nothing", () => {
  fails(
    evidenceOf({ entries: [started(), ...OFFSETS.map(message)], dropped: 0 }),
    /lost nothing, so nothing was shown/,
  );
});

test("a loss without a notice fails", () => {
  fails(
    evidenceOf({ entries: goodEntries().filter(({ kind }) => kind !== "gap") }),
    /5 messages before message 22 are missing/,
  );
});

test("a notice behind the message that follows the loss comes too late", () => {
  const [start, ...rest] = goodEntries();
  const late = [start!, ...rest.filter(({ kind }) => kind === "message"), gap(12, 20, 5)];
  fails(evidenceOf({ entries: late }), /which it had already/);
});

test("a notice with a wrong count fails", () => {
  fails(evidenceOf({ entries: goodEntries(gap(12, 20, 4)) }), /says 4 messages, and holds 5/);
});

test("a notice without a count fails", () => {
  fails(evidenceOf({ entries: goodEntries(gap(12, 20, undefined)) }), /says unknown messages, and holds 5/);
});

test("a notice that names a message which was received fails", () => {
  fails(evidenceOf({ entries: goodEntries(gap(12, 22, 6)) }), /message 22, which it had already/);
});

test("a notice with a bound that was never published fails", () => {
  fails(
    evidenceOf({ entries: goodEntries(gap(11, 20, 5)) }),
    /gap from 11 to 20, which it had already, or which was never/,
  );
});

test("a message that comes twice fails", () => {
  fails(evidenceOf({ entries: [...goodEntries(), message(40)] }), /message 40, which it had already/);
});

test("messages that are missing at the end fail", () => {
  fails(evidenceOf({ entries: goodEntries().slice(0, -2) }), /the last 2 messages are missing/);
});

test("a subscription that had to start again fails", () => {
  fails(evidenceOf({ entries: [started(), ...goodEntries()] }), /started 2 times/);
});

test("a server that counted other losses than the client fails", () => {
  fails(evidenceOf({ dropped: 6, delivered: 14 }), /lost 5 messages, the server dropped 6/);
});

test("several losses are each accounted for", () => {
  const entries = [started(), gap(2, 2, 1), message(4), gap(6, 10, 3), ...OFFSETS.slice(5).map(message)];
  const loss = accountFor(entries, OFFSETS);
  assert.deepEqual(loss.contradictions, []);
  assert.deepEqual([loss.received, loss.lost, loss.told, loss.gaps.length], [16, 4, 4, 2]);
});

// The others

test("a healthy client that missed a message fails", () => {
  fails(
    evidenceOf({ sequences: without(sequences(), 7) }),
    /client 2 got message 8 where message 7 was expected/,
  );
});

test("a healthy client that missed the end fails", () => {
  fails(evidenceOf({ sequences: without(sequences(), 20) }), /client 2 got 19 of 20 messages/);
});

test("a healthy client that got a message twice fails", () => {
  fails(evidenceOf({ sequences: [...sequences(), 20] }), /client 2 got message 20 where message 21/);
});

test("a healthy client whose stream broke fails", () => {
  fails(evidenceOf({ calls: 2 }), /client 2 needed 2 calls/);
});

test("a p99 that more than doubled, by more than 5 ms, fails", () => {
  const latencyMs = (sequence: number): number => (sequence > 5 ? 21 : 10);
  fails(
    evidenceOf({ latencyMs }),
    /p99 was 21\.00 ms during the freeze, and 10\.00 ms before it, which allows 20\.00 ms/,
  );
});

test("a p99 that doubled, or grew by 5 ms, is within what is allowed", () => {
  assert.equal(judge(evidenceOf({ latencyMs: (sequence) => (sequence > 5 ? 20 : 10) })).passed, true);
  assert.equal(judge(evidenceOf({ latencyMs: (sequence) => (sequence > 5 ? 6 : 1) })).passed, true);
});

test("nothing measured during the freeze fails", () => {
  fails(
    evidenceOf({ trials: [{ ...trial(), frozen: { from: 6, to: 6 } }] }),
    /10 messages were measured before the freeze and 0 during/,
  );
});

test("of two trials the one in which the machine was steadier counts, whatever came out", () => {
  const calm = trial();
  const noisy = { ...trial(40), frozen: { from: 11, to: 16 } };
  assert.equal(disturbed(calm), false);
  assert.equal(disturbed(noisy), true);
  const slowWhenNoisy = (sequence: number): number => (sequence > 10 ? 50 : 1);
  const slowWhenCalm = (sequence: number): number => (sequence > 5 && sequence < 11 ? 50 : 1);
  for (const trials of [
    [noisy, calm],
    [calm, noisy],
  ]) {
    assert.equal(judge(evidenceOf({ trials, latencyMs: slowWhenNoisy })).passed, true);
    fails(evidenceOf({ trials, latencyMs: slowWhenCalm }), /p99 was 50\.00 ms/);
  }
});

test("where only a disturbed trial failed, the line says so", () => {
  fails(
    evidenceOf({ trials: [trial(40)], latencyMs: (sequence) => (sequence > 5 ? 50 : 1) }),
    /this machine was disturbed: two idle processes went from 1\.00 ms to 40\.00 ms/,
  );
});

// Bounds and books

test("a queue beyond its bound in messages or in bytes fails", () => {
  fails(evidenceOf({ peakQueued: 5 }), /its queue held 5 messages, its bound is 4/);
  fails(evidenceOf({ peakQueuedBytes: 4097 }), /its queue held 4097 bytes, its bound is 4096/);
});

test("books that do not balance fail, with their terms", () => {
  fails(
    evidenceOf({ conflated: 1 }),
    /the books of the frozen client do not balance: matched 20 ≠ delivered 15 \+ dropped 5 \+ conflated 1/,
  );
  fails(evidenceOf({ hubMatched: 61 }), /the books of the whole hub do not balance/);
});

test("a server that says it delivered what nobody received fails", () => {
  fails(
    evidenceOf({ delivered: 16, dropped: 4 }),
    /delivered 16 messages to the frozen client, which received 15/,
  );
});

test("what is still in flight may have been received already", () => {
  assert.equal(judge(evidenceOf({ delivered: 14, inFlight: 1 })).passed, true);
});

test("a subscriber that the server does not know any more fails", () => {
  const evidence = evidenceOf({});
  fails({ ...evidence, full: { ...evidence.full, books: undefined } }, /no books for the frozen client/);
});

test("a message that was not offered to everyone fails", () => {
  fails(
    evidenceOf({ matched: 19, delivered: 14 }),
    /20 messages were published, 19 were offered to the frozen client/,
  );
});

function fails(evidence: Evidence, line: RegExp): void {
  const verdict = judge(evidence);
  assert.equal(verdict.passed, false);
  assert.match(verdict.checks.flatMap(({ failures }) => failures).join("\n"), line);
}

interface Wrong {
  readonly entries?: readonly FullEntry[];
  readonly sequences?: readonly number[];
  readonly latencyMs?: (sequence: number) => number;
  readonly calls?: number;
  readonly trials?: readonly Trial[];
  // The books of the frozen client.
  readonly matched?: number;
  readonly delivered?: number;
  readonly dropped?: number;
  readonly conflated?: number;
  readonly inFlight?: number;
  readonly peakQueued?: number;
  readonly peakQueuedBytes?: number;
  readonly hubMatched?: number;
}

/** Two healthy clients and a frozen one that lost five messages, apart from what is given. */
function evidenceOf(wrong: Wrong): Evidence {
  const { latencyMs = () => 1, entries = goodEntries(), dropped = 5 } = wrong;
  const seen = wrong.sequences ?? sequences();
  const delivered = wrong.delivered ?? 20 - dropped;
  return {
    offsets: OFFSETS,
    trials: wrong.trials ?? [trial()],
    post: [1, 2].map((id) => {
      const own = id === 2 ? seen : sequences();
      return {
        id,
        report: {
          sequences: own,
          latenciesMs: own.map(latencyMs),
          calls: id === 2 ? (wrong.calls ?? 1) : 1,
        },
        books: books({ matched: 20, delivered: 20 }),
      };
    }),
    full: {
      report: entries,
      books: books({
        matched: wrong.matched ?? 20,
        delivered,
        conflated: wrong.conflated ?? 0,
        inFlight: wrong.inFlight ?? 0,
        peakQueued: wrong.peakQueued ?? 4,
        peakQueuedBytes: wrong.peakQueuedBytes ?? 4096,
        dropped: losses(dropped),
      }),
    },
    hub: books({ matched: wrong.hubMatched ?? 60, delivered: 55, dropped: losses(5) }) as unknown as HubStats,
  };
}

function books(given: Partial<SubscriptionStats>): SubscriptionStats {
  const none = {
    conflated: 0,
    queued: 0,
    inFlight: 0,
    discardedAtClose: 0,
    peakQueued: 0,
    peakQueuedBytes: 0,
  };
  // The checks read no more of it than this.
  return {
    ...none,
    dropped: losses(0),
    capacity: { messages: 4, bytes: 4096 },
    ...given,
  } as SubscriptionStats;
}

function losses(overflow: number): SubscriptionStats["dropped"] {
  return { overflow, oversize: 0, "render-failed": 0, "filter-failed": 0 };
}

/** @param frozenMs the p99 of the control during the freeze; 1 ms before it */
function trial(frozenMs = 1): Trial {
  const latency = (ms: number) => ({ count: 100, p50: ms, p99: ms, max: ms });
  return {
    before: { from: 1, to: 6 },
    frozen: { from: 6, to: 11 },
    frozenMs: 5_000,
    control: { before: latency(1), frozen: latency(frozenMs) },
  };
}

function sequences(): number[] {
  return OFFSETS.map((_, index) => index + 1);
}

function without(list: readonly number[], ...gone: number[]): number[] {
  return list.filter((item) => !gone.includes(item));
}

function goodEntries(told: FullEntry = gap(12, 20, 5)): FullEntry[] {
  return [started(), ...OFFSETS.slice(0, 5).map(message), told, ...OFFSETS.slice(10).map(message)];
}

function started(): FullEntry {
  return { kind: "started", offset: 0 };
}

function message(offset: number): FullEntry {
  return { kind: "message", offset };
}

function gap(from: number, to: number, count: number | undefined, reason: GapReason = "overflow"): FullEntry {
  return { kind: "gap", from, to, count, reason };
}
