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

/** One freeze, and the time before it to compare it with. */
export interface Trial {
  /** What was due before the freeze, and during it. */
  readonly before: Span;
  readonly frozen: Span;
  readonly frozenMs: number;
  /** How late messages between two processes that do nothing else were, meanwhile. */
  readonly control: { readonly before: Latency; readonly frozen: Latency };
}

export interface Evidence {
  /** The offsets of the load, in order; the message with sequence `n` is at `n - 1`. */
  readonly offsets: readonly number[];
  /** At least one. */
  readonly trials: readonly Trial[];
  readonly post: readonly PostWitness[];
  readonly full: FullWitness;
  readonly hub: HubStats;
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
  /** The trial that counts for the latency comes last. */
  readonly trials: readonly MeasuredTrial[];
  /** What the frozen one found missing, and what it was told. */
  readonly loss: LossAccount;
}

export interface MeasuredTrial extends Trial {
  /** Of the healthy clients' messages. */
  readonly latency: { readonly before: Latency; readonly frozen: Latency };
}

export function judge(evidence: Evidence): Verdict {
  const { post, full } = evidence;
  const trials = [...evidence.trials]
    .sort((one, other) => unsteadiness(other) - unsteadiness(one))
    .map((trial) => ({
      ...trial,
      latency: { before: latencyWithin(post, trial.before), frozen: latencyWithin(post, trial.frozen) },
    }));
  const loss = accountFor(full.report, evidence.offsets);
  const checks: Check[] = [
    { claim: "the frozen client lost messages and was told exactly which", failures: checkLoss(loss, full) },
    { claim: `the other ${post.length} clients lost nothing`, failures: checkPost(evidence) },
    { claim: "they did not feel the freeze", failures: checkLatency(trials.at(-1)) },
    { claim: "the queue of the frozen client stayed within its bounds", failures: checkBounds(full.books) },
    { claim: "the books balance", failures: checkBooks(evidence) },
  ];
  return { checks, passed: checks.every(({ failures }) => failures.length === 0), trials, loss };
}

// Latency

/** What a p99 may become before that counts as felt: whichever of the two allows more. */
const P99_FACTOR = 2;
const P99_ALLOWANCE_MS = 5;

function mostAllowed(p99Ms: number): number {
  return Math.max(P99_FACTOR * p99Ms, p99Ms + P99_ALLOWANCE_MS);
}

/**
 * The machine itself changed its pace meanwhile: the control, which no server can slow down, differs by more
 * than the strictest reading of what the clients are allowed, in either direction. Says nothing about the clients,
 * so that a measurement can be made again, and one of several chosen, without a look at how it turned out.
 */
export function disturbed(trial: Pick<Trial, "control">): boolean {
  const { before, frozen } = trial.control;
  return unsteadiness(trial) > P99_FACTOR || Math.abs(frozen.p99 - before.p99) > P99_ALLOWANCE_MS;
}

/** By what factor the control changed; 1 is not at all. */
function unsteadiness({ control: { before, frozen } }: Pick<Trial, "control">): number {
  return Math.max(frozen.p99 / before.p99, before.p99 / frozen.p99);
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

function checkLatency(trial: MeasuredTrial | undefined): string[] {
  if (trial === undefined) return ["nothing was measured"];
  const { before, frozen } = trial.latency;
  if (before.count === 0 || frozen.count === 0) {
    return [`${before.count} messages were measured before the freeze and ${frozen.count} during it`];
  }
  const limit = mostAllowed(before.p99);
  if (frozen.p99 <= limit) return [];
  const { control } = trial;
  return [
    `their p99 was ${frozen.p99.toFixed(2)} ms during the freeze, and ${before.p99.toFixed(2)} ms before it, ` +
      `which allows ${limit.toFixed(2)} ms` +
      (disturbed(trial)
        ? ` (this machine was disturbed: two idle processes went from ${control.before.p99.toFixed(2)} ms to ${control.frozen.p99.toFixed(2)} ms; try again)`
        : ""),
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
