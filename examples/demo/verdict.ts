/**
 * What the demo claims, checked against what its processes saw. Pure: evidence in, verdict out.
 *
 * The clients' own records are held against the server's books: each side is a witness against the other.
 *
 * @module
 */
import type { Books, HubStats, SubscriptionStats } from "../../src/fanout/index.ts";
import { type Latency, latencyOf } from "./latency.ts";
import type { FullEntry, FullReport, PostReport } from "./messages.ts";

/** Messages of the load, by sequence number: `from` up to, but not including, `to`. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

export interface Evidence {
  /** The offsets of the load, in order; the message with sequence `n` is at `n - 1`. */
  readonly offsets: readonly number[];
  /** What was due before the freeze, and during it. */
  readonly before: Span;
  readonly frozen: Span;
  readonly frozenMs: number;
  readonly post: readonly PostWitness[];
  readonly full: FullWitness;
  readonly hub: HubStats;
  /** How late an idle timer of an uninvolved process was, in milliseconds. */
  readonly control: { readonly before: readonly number[]; readonly frozen: readonly number[] };
}

export interface PostWitness {
  readonly id: number;
  readonly report: PostReport;
  /** The server's view; `undefined` when it has no such subscription any more. */
  readonly books: SubscriptionStats | undefined;
}

export interface FullWitness {
  readonly report: FullReport;
  readonly books: SubscriptionStats | undefined;
}

export interface Check {
  readonly claim: string;
  /** One line for each way in which it is not so; none when it is. */
  readonly failures: readonly string[];
}

export interface Verdict {
  readonly checks: readonly Check[];
  readonly passed: boolean;
  readonly before: Latency;
  readonly frozen: Latency;
  /** What the frozen one found missing, and what it was told. */
  readonly loss: LossAccount;
}

/** A latency that the freeze may add before it counts as felt: whichever of the two is larger. */
const P99_FACTOR = 2;
const P99_ALLOWANCE_MS = 5;

export function judge(evidence: Evidence): Verdict {
  const before = latencyWithin(evidence.post, evidence.before);
  const frozen = latencyWithin(evidence.post, evidence.frozen);
  const loss = accountFor(evidence.full.report, evidence.offsets);
  const checks: Check[] = [
    {
      claim: "the frozen client lost messages and was told exactly which",
      failures: checkLoss(loss, evidence.full),
    },
    { claim: `the other ${evidence.post.length} clients lost nothing`, failures: checkPost(evidence) },
    { claim: "they did not feel the freeze", failures: checkLatency(before, frozen) },
    {
      claim: "the queue of the frozen client stayed within its bounds",
      failures: checkBounds(evidence.full.books),
    },
    { claim: "the books balance", failures: checkBooks(evidence) },
  ];
  return { checks, passed: checks.every(({ failures }) => failures.length === 0), before, frozen, loss };
}

function latencyWithin(post: readonly PostWitness[], span: Span): Latency {
  const samples: number[] = [];
  for (const { report } of post) {
    report.sequences.forEach((sequence, index) => {
      if (span.from <= sequence && sequence < span.to) samples.push(report.latenciesMs[index] ?? Number.NaN);
    });
  }
  return latencyOf(samples);
}

function checkLatency(before: Latency, frozen: Latency): string[] {
  if (before.count === 0 || frozen.count === 0) {
    return [`${before.count} messages were measured before the freeze and ${frozen.count} during it`];
  }
  const limit = Math.max(P99_FACTOR * before.p99, before.p99 + P99_ALLOWANCE_MS);
  if (frozen.p99 <= limit) return [];
  return [
    `the p99 of the healthy clients was ${frozen.p99.toFixed(2)} ms during the freeze; ` +
      `after ${before.p99.toFixed(2)} ms before it, ${limit.toFixed(2)} ms is the most allowed`,
  ];
}

// The frozen client

export interface LossAccount {
  readonly received: number;
  /** Not received. */
  readonly lost: number;
  /** The sum of the counts in the notices. */
  readonly told: number;
  readonly gaps: readonly Extract<FullEntry, { kind: "gap" }>[];
  /** Where what it saw and what was published do not fit together; the first of each kind is enough to know. */
  readonly contradictions: readonly string[];
}

/**
 * Reads what the client saw beside what was published, both in order. Every message must come or be told lost,
 * by a notice that stands in its place and says how many.
 */
export function accountFor(entries: FullReport, published: readonly number[]): LossAccount {
  const contradictions: string[] = [];
  const gaps: Extract<FullEntry, { kind: "gap" }>[] = [];
  let received = 0;
  let told = 0;
  let started = 0;
  // The next published message that is not accounted for.
  let next = 0;
  for (const entry of entries) {
    if (entry.kind === "started") {
      started++;
      continue;
    }
    const from = entry.kind === "gap" ? entry.from : entry.offset;
    const what = entry.kind === "gap" ? `a gap from ${entry.from} to ${entry.to}` : `message ${entry.offset}`;
    const at = published.indexOf(from, next);
    if (at < 0) {
      contradictions.push(`it got ${what}, which it had already, or which was never published`);
      continue;
    }
    if (at > next) {
      contradictions.push(`${at - next} messages before ${what} are missing, and nobody said so`);
    }
    if (entry.kind === "message") {
      received++;
      next = at + 1;
      continue;
    }
    gaps.push(entry);
    told += entry.count ?? 0;
    const last = published.indexOf(entry.to, at);
    next = last < 0 ? at : last + 1;
    if (entry.count !== next - at) {
      contradictions.push(`${what} says ${entry.count ?? "unknown"} messages, and holds ${next - at}`);
    }
  }
  if (next < published.length) {
    contradictions.push(`the last ${published.length - next} messages are missing, and nobody said so`);
  }
  if (started !== 1) contradictions.push(`its subscription started ${started} times instead of once`);
  return { received, lost: published.length - received, told, gaps, contradictions };
}

function checkLoss(loss: LossAccount, { books }: FullWitness): string[] {
  const failures = loss.contradictions.map((contradiction) => `the frozen client: ${contradiction}`);
  if (loss.lost === 0) failures.push("the frozen client lost nothing, so nothing was shown");
  if (loss.told !== loss.lost) {
    failures.push(`the frozen client lost ${loss.lost} messages and was told of ${loss.told}`);
  }
  if (books !== undefined && droppedOf(books) !== loss.lost) {
    failures.push(`the frozen client lost ${loss.lost} messages, the server dropped ${droppedOf(books)}`);
  }
  return failures;
}

function checkBounds(books: SubscriptionStats | undefined): string[] {
  if (books === undefined) return ["the server does not know the frozen client any more"];
  const { peakQueued, peakQueuedBytes, capacity } = books;
  const failures: string[] = [];
  if (peakQueued > capacity.messages) {
    failures.push(`its queue held ${peakQueued} messages, its bound is ${capacity.messages}`);
  }
  if (peakQueuedBytes > capacity.bytes) {
    failures.push(`its queue held ${peakQueuedBytes} bytes, its bound is ${capacity.bytes}`);
  }
  return failures;
}

// The healthy clients

function checkPost({ post, offsets }: Evidence): string[] {
  return post.flatMap(({ id, report, books }) => {
    const failures: string[] = [];
    const broken = report.sequences.findIndex((sequence, index) => sequence !== index + 1);
    if (broken >= 0) {
      const got = report.sequences[broken];
      failures.push(`client ${id} got message ${got} where message ${broken + 1} was expected`);
    } else if (report.sequences.length !== offsets.length) {
      failures.push(`client ${id} got ${report.sequences.length} of ${offsets.length} messages`);
    }
    if (report.calls !== 1) failures.push(`client ${id} needed ${report.calls} calls: its stream broke`);
    if (books !== undefined && droppedOf(books) > 0) {
      failures.push(`the server dropped ${droppedOf(books)} messages for client ${id}`);
    }
    return failures;
  });
}

// The books

function checkBooks({ post, full, hub, offsets }: Evidence): string[] {
  const failures: string[] = [];
  const received = full.report.filter(({ kind }) => kind === "message").length;
  const witnesses = [
    ...post.map(({ id, report, books }) => ({
      who: `client ${id}`,
      received: report.sequences.length,
      books,
    })),
    { who: "the frozen client", received, books: full.books },
  ];
  for (const { who, received, books } of witnesses) {
    if (books === undefined) {
      failures.push(`the server has no books for ${who}`);
      continue;
    }
    if (!balances(books)) failures.push(`the books of ${who} do not balance: ${describeBooks(books)}`);
    if (books.matched !== offsets.length) {
      failures.push(`${offsets.length} messages were published, ${books.matched} were offered to ${who}`);
    }
    // What is in flight may have arrived: the server hears of it a moment later.
    if (received < books.delivered || received > books.delivered + books.inFlight) {
      failures.push(`the server delivered ${books.delivered} messages to ${who}, which received ${received}`);
    }
  }
  if (!balances(hub)) failures.push(`the books of the whole hub do not balance: ${describeBooks(hub)}`);
  return failures;
}

export function droppedOf({ dropped }: Books): number {
  return Object.values(dropped).reduce((sum, count) => sum + count, 0);
}

export function balances(books: Books): boolean {
  const { matched, delivered, conflated, queued, inFlight, discardedAtClose } = books;
  return matched === delivered + droppedOf(books) + conflated + queued + inFlight + discardedAtClose;
}

/** `matched 10 = delivered 7 + dropped 3`, without the zeros. */
export function describeBooks(books: Books): string {
  const { matched, delivered, conflated, queued, inFlight, discardedAtClose } = books;
  const terms = {
    delivered,
    dropped: droppedOf(books),
    conflated,
    queued,
    "in flight": inFlight,
    "discarded at close": discardedAtClose,
  };
  const sum = Object.entries(terms)
    .filter(([name, count]) => count !== 0 || name === "delivered" || name === "dropped")
    .map(([name, count]) => `${name} ${count}`)
    .join(" + ");
  return `matched ${matched} ${balances(books) ? "=" : "≠"} ${sum}`;
}
