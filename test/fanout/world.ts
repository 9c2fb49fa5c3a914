/**
 * A hub over sinks with hand valves and a clock moved by hand, beside a plain model of each subscription. After
 * every step {@link World.check} holds the two together and checks the promises.
 */
import assert from "node:assert/strict";
import { Hub, type KeyFilter, SpillwayError, type Subscription } from "../../src/index.ts";
import type { EndFrame, OverflowPolicyName, QueueBounds } from "../../src/protocol/index.ts";
import { assertGaugesAtRest, FigureAuditor } from "../support/gauges.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { contractFaults, type Recorded, type Valve, ValveSink } from "../support/valve-sink.ts";
import { bytesOf, naiveMatch, type PlainMessage, PlainSubscription } from "./plain-subscription.ts";

export const STALL_TIMEOUT_MS = 1_000;
export const EVICT_STALLED_AFTER_MS = 2_000;
export const MIN_BYTES_PER_SECOND = 100;
export const PROGRESS_INTERVAL_MS = 3_000;
export const BLOCK_TIMEOUT_MS = 2_500;
const WATCH_INTERVAL_MS = 250;

export interface Newcomer {
  readonly patterns: readonly string[];
  readonly overflow: OverflowPolicyName;
  readonly queue: QueueBounds;
  readonly batch: { readonly frames: number; readonly bytes: number };
  readonly valve: Valve;
  readonly filter: KeyFilter | undefined;
  /** Every so manyth offset makes its predicate throw; 0: it has none. Excludes `filter`. */
  readonly predicateThrowsEvery: number;
  /** Every so manyth offset cannot be rendered for it; 0: all can. */
  readonly cannotRenderEvery: number;
  /** Where it resumes, as a share of the history; `undefined`: live. */
  readonly resumeAt: number | undefined;
}

/** One subscription twice: the engine's and the plain one. */
export interface Pair {
  readonly plain: PlainSubscription;
  readonly sink: ValveSink;
  readonly real: Subscription;
  /** The next write finds the other side gone. */
  slams: boolean;
  /** When the outstanding batch was written: by the clock, and in time in which the event loop was free. */
  writtenAtMs: number;
  writtenAtFreeMs: number;
  ends: EndFrame[];
}

export class World {
  readonly clock = new ManualClock();
  readonly hub: Hub;
  readonly pairs: Pair[] = [];
  readonly published: PlainMessage[] = [];
  readonly hookErrors: string[] = [];
  readonly #previous = new Map<string, number>();
  /** What went wrong inside a sink, where a throw would be contained. */
  readonly #faults: unknown[] = [];
  #blockedMs = 0;
  #closedAtMs: number | undefined;
  #drainTimeoutMs = 0;
  closed: Promise<void> | undefined;
  readonly #figures = new FigureAuditor();

  constructor(flushBatches = 3) {
    contractFaults.length = 0;
    this.hub = new Hub({
      clock: this.clock,
      stallTimeoutMs: STALL_TIMEOUT_MS,
      escalation: [{ when: { stalledForMs: EVICT_STALLED_AFTER_MS }, policy: "evict" }],
      newcomerGraceMs: 0,
      minBytesPerSecond: MIN_BYTES_PER_SECOND,
      progressIntervalMs: PROGRESS_INTERVAL_MS,
      blockTimeoutMs: BLOCK_TIMEOUT_MS,
      flush: { batches: flushBatches },
      onError: (_error, hook) => this.hookErrors.push(hook),
    });
  }

  get closing(): boolean {
    return this.closed !== undefined;
  }

  pair(index: number): Pair | undefined {
    return this.pairs[index % Math.max(1, this.pairs.length)];
  }

  publish(topic: string, key: string | undefined, size: number): void {
    const payload = Buffer.alloc(size, this.published.length + 1);
    const options = key === undefined ? {} : { key };
    if (this.closing) {
      assert.throws(() => this.hub.publish(topic, payload, options), { code: "CLOSED" });
      return;
    }
    const offset = this.published.length + 1;
    const message: PlainMessage = {
      topic,
      offset,
      previousOffset: this.#previous.get(topic) ?? 0,
      key,
      payload: Buffer.from(payload),
      bytes: size + (key?.length ?? 0),
      publishedAtMs: this.clock.unixMs(),
    };
    this.#previous.set(topic, offset);
    this.published.push(message);
    for (const { plain } of this.pairs) plain.published(message);
    const { offset: got, writable } = this.hub.publish(topic, payload, options);
    assert.equal(got, offset);
    assert.equal(writable, this.#isWritable(topic), "writable");
    payload.fill(0);
  }

  subscribe(newcomer: Newcomer): void {
    const { patterns, overflow, queue, filter, predicateThrowsEvery, cannotRenderEvery, resumeAt } = newcomer;
    const now = this.published.length;
    const resumeAfter = resumeAt === undefined ? undefined : Math.round(resumeAt * now);
    const throws = predicateThrowsEvery === 0 ? undefined : every(predicateThrowsEvery);
    const predicate =
      throws === undefined
        ? filter
        : (message: { readonly offset: number }) => {
            if (throws(message)) throw new Error("the predicate fails");
            return true;
          };
    const plain = new PlainSubscription({
      patterns,
      overflow,
      queue,
      filter: throws === undefined ? filter : undefined,
      predicateThrows: throws,
      startsBehind: now,
      past: this.published.slice(),
      resumeAfter,
    });
    const sink = new ValveSink({
      valve: newcomer.valve,
      batch: newcomer.batch,
      ...(cannotRenderEvery === 0 ? {} : { cannotRender: every(cannotRenderEvery) }),
      onWrite: (frames) => this.#contain(() => this.#wrote(pair, frames)),
      onEnd: (frame) => this.#contain(() => this.#ended(pair, frame)),
    });
    const ends: EndFrame[] = [];
    const attach = () =>
      this.hub.attach(
        {
          patterns,
          overflow,
          queue,
          filter: predicate,
          start: resumeAfter === undefined ? "live" : { epoch: this.hub.epoch, offset: resumeAfter },
          onEnd: (end) => ends.push(end),
        },
        sink,
      );
    if (this.closing) {
      assert.throws(attach, (error) => error instanceof SpillwayError && error.code === "CLOSED");
      return;
    }
    const pair: Pair = {
      plain,
      sink,
      real: attach(),
      slams: false,
      writtenAtMs: 0,
      writtenAtFreeMs: 0,
      ends,
    };
    this.pairs.push(pair);
  }

  unsubscribe({ plain, real }: Pair): void {
    plain.end("unsubscribed");
    real.end("unsubscribed");
  }

  release({ plain, sink }: Pair): void {
    if (!sink.outstanding) return;
    plain.settled();
    sink.release();
  }

  setValve(pair: Pair, valve: Valve): void {
    const { sink } = pair;
    // A sink is paused for good or not at all; the others may change as they like.
    if (sink.pulled) return;
    sink.valve = valve;
    if (valve !== "shut") this.release(pair);
  }

  sinkCloses({ plain, sink }: Pair): void {
    plain.end("cancelled");
    sink.close();
  }

  close(drainTimeoutMs: number): void {
    if (!this.closing) {
      this.#closedAtMs = this.clock.now();
      this.#drainTimeoutMs = drainTimeoutMs;
      for (const { plain } of this.pairs) plain.drain();
    }
    const closed = this.hub.close({ drainTimeoutMs });
    assert.equal(closed, this.closed ?? closed, "every call returns the same promise");
    this.closed = closed;
  }

  /** No blocking subscriber of the topic is above its watermark. */
  #isWritable(topic: string): boolean {
    const pressing = this.pairs.filter(({ plain }) => plain.slow && plain.terms.overflow === "block");
    return !pressing.some(({ plain }) => plain.terms.patterns.some((pattern) => naiveMatch(pattern, topic)));
  }

  turn(): void {
    this.clock.turn();
  }

  advance(ms: number): void {
    // In small steps, so that what the timers did is checked in between.
    for (let passed = 0; passed < ms; passed += WATCH_INTERVAL_MS) {
      const step = Math.min(WATCH_INTERVAL_MS, ms - passed);
      this.clock.advance(step);
      this.check();
    }
  }

  block(ms: number): void {
    this.#blockedMs += ms;
    this.clock.block(ms);
  }

  /** Everything that must hold after every step. */
  check(): void {
    for (const fault of this.#faults) throw fault;
    assert.deepEqual(contractFaults, []);
    const sums = {
      matched: 0,
      delivered: 0,
      conflated: 0,
      queued: 0,
      inFlight: 0,
      discardedAtClose: 0,
      batches: 0,
      gaps: 0,
      stalls: 0,
      replayed: 0,
    };
    const dropped = { overflow: 0, oversize: 0, "render-failed": 0, "filter-failed": 0 };
    for (const pair of this.pairs) {
      this.#checkPair(pair);
      const stats = pair.real.stats();
      for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += stats[name];
      for (const name of Object.keys(dropped) as (keyof typeof dropped)[])
        dropped[name] += stats.dropped[name];
    }
    const hub = this.hub.stats();
    for (const name of Object.keys(sums) as (keyof typeof sums)[]) assert.equal(hub[name], sums[name], name);
    assert.deepEqual(hub.dropped, dropped);
    this.#figures.check(hub);
    assert.equal(hub.published, this.published.length);
    assert.equal(hub.position.offset, this.published.length);
    const present = this.pairs.filter(({ sink }) => sink.ended === undefined);
    const { live, draining, stalled, parked, "catching-up": catchingUp } = hub.subscriptions;
    assert.deepEqual([parked, catchingUp], [0, 0], "without a log nobody reads the past");
    const alive = present.filter(({ plain }) => plain.state !== "ended");
    assert.equal(live + draining + stalled, alive.length);
    assert.equal([...this.hub.subscriptions()].length, alive.length);
    const topic = this.published.at(-1)?.topic;
    if (topic !== undefined && (!this.closing || present.length > 0)) {
      const interested = present.filter(({ plain }) =>
        plain.terms.patterns.some((pattern) => naiveMatch(pattern, topic)),
      );
      assert.equal(this.hub.topicStats(topic)?.subscribers, interested.length);
    }
  }

  /** Opens everything; then every queue must empty, every position catch up, and a close leave nothing. */
  async finish(): Promise<void> {
    for (const pair of this.pairs) this.setValve(pair, "open");
    for (let round = 0; round < 100; round++) {
      this.clock.settle();
      for (const { sink } of this.pairs) if (sink.pulled) sink.pull();
    }
    this.check();
    for (const { plain, real } of this.pairs) {
      if (plain.state === "ended") continue;
      assert.ok(plain.nothingOwed, "a draining sink empties the queue");
      assert.equal(real.stats().queued, 0);
      assert.equal(plain.told, plain.lost, "every loss was told");
    }
    this.advance(PROGRESS_INTERVAL_MS + 3 * WATCH_INTERVAL_MS);
    for (const { sink } of this.pairs) if (sink.pulled) sink.pull();
    this.clock.settle();
    for (const { plain, real } of this.pairs) {
      if (plain.state !== "ended") assert.equal(real.position.offset, this.published.length, "progress");
    }
    this.close(1_000);
    this.clock.settle();
    for (const { sink } of this.pairs) if (sink.pulled) sink.pull();
    this.clock.settle();
    // One that was shut and closed its other side never confirms: the time-out ends it.
    this.advance(this.#drainTimeoutMs + 1);
    await this.closed;
    this.check();
    assertGaugesAtRest(this.hub);
    for (const { sink, ends } of this.pairs) assert.ok(sink.ended !== undefined && ends.length === 1);
    assert.equal(this.clock.timers, 0, "no timer is left");
  }

  #wrote(pair: Pair, frames: readonly Recorded[]): void {
    const { plain, sink } = pair;
    plain.wrote(frames, this.hub.epoch);
    pair.writtenAtMs = this.clock.now();
    pair.writtenAtFreeMs = this.clock.now() - this.#blockedMs;
    if (pair.slams) {
      plain.end("cancelled");
      sink.close();
    } else if (sink.valve !== "shut") {
      plain.settled();
    }
  }

  #ended(pair: Pair, frame: EndFrame): void {
    const { plain } = pair;
    if (plain.state !== "ended") {
      // Nobody did this; only time can have.
      if (frame.reason === "stalled") {
        const outstandingMs = this.clock.now() - pair.writtenAtMs;
        assert.ok(pair.sink.outstanding, "only an outstanding write is judged");
        assert.ok(
          outstandingMs >= STALL_TIMEOUT_MS + EVICT_STALLED_AFTER_MS,
          `evicted after ${outstandingMs} ms`,
        );
      } else if (frame.reason === "overrun") {
        assert.ok(plain.slow && plain.terms.overflow === "block", "publishers were waiting for it");
      } else {
        assert.equal(frame.reason, "draining");
        assert.ok(
          this.#closedAtMs !== undefined && this.clock.now() >= this.#closedAtMs + this.#drainTimeoutMs,
        );
      }
      plain.end(frame.reason);
    }
    plain.sawEnd(frame, this.hub.epoch);
  }

  #contain(run: () => void): void {
    try {
      run();
    } catch (fault) {
      this.#faults.push(fault);
    }
  }

  #checkPair(pair: Pair): void {
    const { plain, real, sink, ends } = pair;
    const stats = real.stats();
    const { waiting } = plain;
    assert.equal(stats.state, plain.state);
    assert.equal(stats.matched, plain.matched, "matched");
    assert.equal(stats.delivered, plain.delivered, "delivered");
    assert.deepEqual(stats.dropped, plain.dropped);
    assert.equal(stats.conflated, plain.conflated, "conflated");
    assert.equal(stats.queued, waiting.length, "queued");
    assert.equal(stats.queuedBytes, bytesOf(waiting), "queuedBytes");
    assert.equal(stats.inFlight, plain.inFlight.length, "inFlight");
    assert.equal(stats.inFlightBytes, bytesOf(plain.inFlight), "inFlightBytes");
    assert.equal(stats.discardedAtClose, plain.discarded, "discardedAtClose");
    assert.equal(stats.position.offset, plain.position, "position");

    const lost = Object.values(stats.dropped).reduce((sum, count) => sum + count, 0);
    const { delivered, conflated, expired, queued, inFlight, discardedAtClose } = stats;
    const accounted = expired + delivered + lost + conflated + queued + inFlight + discardedAtClose;
    assert.equal(stats.matched, accounted, "the books balance");

    const { messages, bytes } = plain.terms.queue;
    assert.ok(
      stats.peakQueued <= messages && stats.peakQueuedBytes <= bytes,
      "the bounds hold at every instant",
    );
    assert.equal(stats.slow, plain.slow || stats.delivery === "stalled", "slow");
    const oldest = [...plain.inFlight, ...waiting][0];
    assert.ok(oldest === undefined ? stats.lagMs === 0 : stats.lagMs >= 0);

    assert.ok(ends.length <= 1, "one end");
    assert.equal(ends.length === 1, sink.ended !== undefined, "the hook is called with the end");
    if (sink.ended !== undefined) assert.equal(stats.delivery, "ended");
    else if (plain.state !== "ended") this.#checkDelivery(pair, stats.delivery);
  }

  #checkDelivery({ sink, plain, writtenAtMs, writtenAtFreeMs }: Pair, delivery: string): void {
    if (!sink.outstanding) {
      assert.ok(
        delivery === (sink.pulled ? "paused" : "idle") || (sink.pulled && delivery === "idle"),
        delivery,
      );
      return;
    }
    assert.ok(delivery === "writing" || delivery === "stalled", delivery);
    const allowanceMs = STALL_TIMEOUT_MS + (bytesOf(plain.inFlight) * 1_000) / MIN_BYTES_PER_SECOND;
    const outstandingMs = this.clock.now() - writtenAtMs;
    const freeMs = this.clock.now() - this.#blockedMs - writtenAtFreeMs;
    // The watch comes by every so often: it sees the batch one interval late and judges it one interval late.
    const latestMs = allowanceMs + 2 * WATCH_INTERVAL_MS;
    if (delivery === "stalled") assert.ok(outstandingMs >= allowanceMs, `stalled after ${outstandingMs} ms`);
    else assert.ok(freeMs < latestMs + WATCH_INTERVAL_MS, `not stalled after ${freeMs} ms`);
    assert.ok(
      freeMs < latestMs + EVICT_STALLED_AFTER_MS + 2 * WATCH_INTERVAL_MS,
      `not evicted after ${freeMs} ms`,
    );
    if (this.#blockedMs === 0 && freeMs < allowanceMs) assert.equal(delivery, "writing");
  }
}

function every(nth: number): (message: { readonly offset: number }) => boolean {
  return ({ offset }) => offset % nth === 0;
}
