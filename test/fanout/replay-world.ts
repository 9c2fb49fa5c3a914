/**
 * A hub with logs over sinks with hand valves and a clock moved by hand. Every reader has an {@link Auditor}, every
 * topic a plain log; after every step {@link ReplayWorld.check} checks the promises.
 */
import assert from "node:assert/strict";
import { Hub, type HubOptions, type Retention, type Rung, type Subscription } from "../../src/index.ts";
import type { EndFrame, OverflowPolicyName, QueueBounds, Start } from "../../src/protocol/index.ts";
import { assertBalanced } from "../support/engine.ts";
import { assertGaugesAtRest, FigureAuditor } from "../support/gauges.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { contractFaults, type Valve, ValveSink } from "../support/valve-sink.ts";
import { type Archive, Auditor, type StoredMessage } from "./auditor.ts";
import { bytesOf, naiveMatch } from "./plain-subscription.ts";

export interface Wish {
  readonly patterns: readonly string[];
  readonly overflow: OverflowPolicyName;
  readonly queue: QueueBounds;
  readonly batch: { readonly frames: number; readonly bytes: number };
  readonly valve: Valve;
  /** Passes offsets that this does not divide; 0: it has no filter. */
  readonly skipsEvery: number;
  readonly start:
    | "live"
    | "oldest"
    | "snapshot"
    | { newest: number }
    | { sinceMsAgo: number }
    | { share: number };
  readonly maxAgeMs: number | undefined;
  readonly escalation: readonly Rung[] | undefined;
}

export interface Reader {
  readonly wish: Wish;
  readonly audit: Auditor;
  sink: ValveSink;
  real: Subscription;
  end: EndFrame | undefined;
  /** What the batch under way tells once it is confirmed. */
  start: Start;
}

/** What topics of one pattern retain. In a world no two patterns match the same topic, or the first in order is the more specific. */
export type RetentionRule = Retention & { readonly pattern: string };

/** The latest per key of a topic, or its newest messages: slow and obvious. */
interface PlainLog {
  readonly rule: RetentionRule;
  messages: StoredMessage[];
}

export class ReplayWorld implements Archive {
  readonly clock = new ManualClock();
  readonly hub: Hub;
  readonly epoch: string;
  readonly readers: Reader[] = [];
  readonly published: StoredMessage[] = [];
  readonly forgets: boolean;
  /** What the hub's hooks reported: by contract nothing here. */
  readonly errors: unknown[] = [];
  readonly #retention: readonly RetentionRule[];
  readonly #logs = new Map<string, PlainLog>();
  readonly #previous = new Map<string, number>();
  readonly #faults: unknown[] = [];
  readonly #figures = new FigureAuditor();
  /** Every subscription that there ever was; a reader that comes back is a new one. */
  readonly #attached: Subscription[] = [];
  /** Told to publish from inside a predicate, so many times more. */
  echoes = 0;

  constructor(
    options: Pick<HubOptions, "maxTopics" | "flush"> & { readonly retention?: readonly RetentionRule[] },
  ) {
    contractFaults.length = 0;
    const { retention = [], ...rest } = options;
    this.#retention = retention;
    this.forgets = (options.maxTopics ?? 100) < 100;
    this.hub = new Hub({
      clock: this.clock,
      stallTimeoutMs: 1_000,
      minBytesPerSecond: 100,
      recoveryMs: 1_000,
      newcomerGraceMs: 500,
      blockTimeoutMs: 2_000,
      progressIntervalMs: 3_000,
      escalation: [],
      onError: (error) => this.errors.push(error),
      topics: topicsOf(this.#retention),
      ...rest,
    });
    this.epoch = this.hub.epoch;
  }

  get nowMs(): number {
    return this.clock.unixMs();
  }

  reader(index: number): Reader | undefined {
    return this.readers[index % Math.max(1, this.readers.length)];
  }

  // Archive

  isKeyed(topic: string): boolean {
    const rule = this.#ruleOf(topic);
    return rule !== undefined && "latestPerKey" in rule;
  }

  mayBeRetained(message: StoredMessage): boolean {
    if (this.hub.topicStats(message.topic) === undefined) return false;
    return this.#logs.get(message.topic)?.messages.includes(message) === true;
  }

  isRetained(message: StoredMessage): boolean {
    const log = this.#logs.get(message.topic);
    if (log === undefined || !this.mayBeRetained(message)) return false;
    const ageMs = this.nowMs - message.publishedAtMs;
    if ("latestPerKey" in log.rule)
      return !message.tombstone || ageMs <= (log.rule.tombstoneAgeMs ?? Infinity);
    return ageMs <= (log.rule.ageMs ?? Infinity);
  }

  #ruleOf(topic: string): RetentionRule | undefined {
    return this.#retention.find(({ pattern }) => naiveMatch(pattern, topic));
  }

  publish(topic: string, key: string | undefined, size: number, ttlMs?: number, tombstone = false): boolean {
    const keyed = this.isKeyed(topic);
    const identity = keyed || tombstone ? (key ?? "k0") : key;
    const payload = Buffer.alloc(size, this.published.length + 1);
    const offset = this.published.length + 1;
    if (this.hub.topicStats(topic) === undefined) this.#logs.delete(topic);
    const message: StoredMessage = {
      topic,
      offset,
      previousOffset: this.#previous.get(topic) ?? 0,
      key: identity,
      payload: Buffer.from(payload),
      bytes: size + (identity?.length ?? 0),
      publishedAtMs: this.nowMs,
      expiresAtMs: ttlMs === undefined ? Infinity : this.nowMs + ttlMs,
      tombstone,
    };
    this.#previous.set(topic, offset);
    this.published.push(message);
    this.#append(message);
    const result = this.hub.publish(topic, payload, { key: identity, ttlMs, tombstone });
    assert.equal(result.offset, offset);
    payload.fill(0);
    return result.writable;
  }

  #append(message: StoredMessage): void {
    const rule = this.#ruleOf(message.topic);
    if (rule === undefined) return;
    const log = this.#logs.get(message.topic) ?? { rule, messages: [] };
    this.#logs.set(message.topic, log);
    if ("latestPerKey" in rule) {
      log.messages = [...log.messages.filter(({ key }) => key !== message.key), message];
      while (log.messages.length > (rule.keys ?? Infinity)) log.messages.shift();
      return;
    }
    log.messages.push(message);
    while (
      log.messages.length > (rule.messages ?? Infinity) ||
      bytesOf(log.messages) > (rule.bytes ?? Infinity)
    )
      log.messages.shift();
  }

  subscribe(wish: Wish): void {
    const { skipsEvery, overflow, escalation = [] } = wish;
    const audit = new Auditor(
      {
        patterns: wish.patterns,
        overflow,
        escalates: escalation.length > 0,
        filtered: skipsEvery > 0,
        passes: ({ offset }) => skipsEvery === 0 || offset % skipsEvery !== 0,
        maxAgeMs: wish.maxAgeMs,
      },
      this,
    );
    this.#attach({ wish, audit } as Reader, this.#startOf(wish));
  }

  #startOf({ start }: Wish): Start {
    if (typeof start !== "object") return start;
    if ("newest" in start) return start;
    if ("sinceMsAgo" in start) return { sinceMs: this.nowMs - start.sinceMsAgo };
    return { epoch: this.epoch, offset: Math.round(start.share * this.published.length) };
  }

  #attach(reader: Reader, start: Start): void {
    const { wish, audit } = reader;
    const floor =
      start === "live"
        ? this.published.length
        : typeof start === "object" && "epoch" in start
          ? start.offset
          : undefined;
    const sink = new ValveSink({
      valve: wish.valve,
      batch: wish.batch,
      onWrite: (frames) => this.#contain(() => audit.wrote(frames, floor)),
      onEnd: (end) =>
        this.#contain(() => {
          reader.end = end;
          audit.ended(end);
        }),
    });
    reader.sink = sink;
    reader.end = undefined;
    reader.start = start;
    audit.attach(start);
    const expected = this.#expectedStart(reader, start);
    // What a filter publishes while it is asked where to start has a test of its own.
    const { echoes } = this;
    this.echoes = 0;
    reader.real = this.hub.attach(
      {
        patterns: wish.patterns,
        overflow: wish.overflow,
        queue: wish.queue,
        start,
        maxAgeMs: wish.maxAgeMs,
        escalation: wish.escalation ?? [],
        filter:
          wish.skipsEvery === 0
            ? undefined
            : ({ offset }) => {
                if (this.echoes > 0) {
                  this.echoes--;
                  this.publish("a.x", "k1", 3);
                }
                return offset % wish.skipsEvery !== 0;
              },
      },
      sink,
    );
    this.echoes = echoes;
    const behind = reader.real.position.offset;
    if (floor !== undefined) assert.ok(behind >= floor, "where it starts");
    else if (expected !== undefined) assert.equal(behind, expected, "where it starts");
    this.#attached.push(reader.real);
    if (!this.readers.includes(reader)) this.readers.push(reader);
  }

  /** The offset it starts behind, where plain logs can tell. */
  #expectedStart({ audit }: Reader, start: Start): number | undefined {
    const newest = this.published.length;
    if (start === "live") return newest;
    if (typeof start === "object" && "epoch" in start) return start.offset;
    const unsure = this.published.some((message) => this.mayBeRetained(message) && !this.isRetained(message));
    if (unsure || this.forgets || audit.terms.filtered) return undefined;
    let retained = this.published.filter((message) => this.mayBeRetained(message) && audit.wants(message));
    if (start === "snapshot") retained = retained.filter(({ topic }) => this.isKeyed(topic));
    else if (typeof start === "object" && "newest" in start) retained = retained.slice(-start.newest);
    else if (typeof start === "object")
      retained = retained.filter((each) => each.publishedAtMs >= start.sinceMs);
    return (retained[0]?.offset ?? newest + 1) - 1;
  }

  /** Comes back where its last subscription ended; ends that one first if need be. */
  comeBack(reader: Reader): void {
    if (reader.real.state !== "ended") reader.real.end("unsubscribed");
    this.clock.settle();
    assert.ok(reader.end !== undefined);
    this.#attach(reader, { epoch: this.epoch, offset: reader.end.position.offset });
  }

  setValve({ sink }: Reader, valve: Valve): void {
    if (sink.pulled) return;
    sink.valve = valve;
    if (valve !== "shut") sink.release();
  }

  advance(ms: number): void {
    for (let passed = 0; passed < ms; passed += 250) {
      this.clock.advance(Math.min(250, ms - passed));
      this.check();
    }
  }

  /** What every reader got, for a failure. */
  toString(): string {
    return this.readers.map(({ sink, wish }) => `${wish.patterns} ${wish.overflow}: ${sink}`).join("\n");
  }

  check(): void {
    for (const fault of this.#faults) throw fault;
    assert.deepEqual(contractFaults, []);
    assert.deepEqual(this.errors, []);
    const resting = new Set<Reader>();
    for (const reader of this.readers) {
      const { real, audit, wish } = reader;
      const stats = real.stats();
      assertBalanced(real);
      assert.ok(stats.queued <= wish.queue.messages && stats.peakQueued <= wish.queue.messages);
      assert.ok(stats.queuedBytes <= wish.queue.bytes && stats.peakQueuedBytes <= wish.queue.bytes);
      assert.ok(stats.inFlight <= wish.batch.frames);
      if (stats.state !== "ended" && stats.batches > 0 && !reader.sink.outstanding)
        audit.checkPosition(stats.position.offset);
      if (stats.state === "parked" || stats.state === "catching-up") resting.add(reader);
      if (!audit.unknown && stats.state !== "ended") this.#checkNothingInvented(reader);
    }
    this.#checkLists(resting);
    this.#checkHub();
  }

  /** The hub's figures are those of all subscriptions together, the ended ones included. */
  #checkHub(): void {
    const hub = this.hub.stats();
    this.#figures.check(hub);
    const all = this.#attached.map((subscription) => subscription.stats());
    for (const name of ["matched", "delivered", "gaps", "replayed", "batches"] as const) {
      assert.equal(
        hub[name],
        all.reduce((sum, stats) => sum + stats[name], 0),
        name,
      );
    }
    assert.ok(hub.replayed <= hub.matched);
  }

  /** Losses told with a number are in the books, and what was trimmed is all that is not. */
  #checkNothingInvented({ real, audit }: Reader): void {
    const { dropped, expired, matched, inFlight, queued } = real.stats();
    const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0) + expired;
    assert.ok(matched >= lost + queued + inFlight);
    assert.ok(audit.counted <= lost + this.published.length);
  }

  /** Who reads the past is in no list that a publish walks. */
  #checkLists(resting: ReadonlySet<Reader>): void {
    for (const topic of new Set(this.published.map((message) => message.topic))) {
      const stats = this.hub.topicStats(topic);
      if (stats === undefined) continue;
      const present = this.readers.filter(
        (reader) =>
          reader.end === undefined &&
          !resting.has(reader) &&
          reader.wish.patterns.some((pattern) => naiveMatch(pattern, topic)),
      );
      // One that ended while it was resting leaves the lists no more.
      const unsure = present.filter(({ real }) => real.state !== "live");
      assert.ok(
        stats.subscribers <= present.length,
        `${stats.subscribers} of ${present.length} in the lists`,
      );
      assert.ok(stats.subscribers >= present.length - unsure.length);
    }
  }

  /** Opens everything: then everybody turns live, has everything or was told, and a close leaves nothing. */
  async finish(): Promise<void> {
    this.echoes = 0;
    this.#drain();
    for (const { real, audit } of this.readers) {
      if (real.state === "ended") continue;
      const { state, queued, position } = real.stats();
      assert.deepEqual([state, queued], ["live", 0], "an open sink reads everything");
      assert.equal(position.offset <= this.published.length, true);
      audit.checkPosition(position.offset);
    }
    // Long enough for every rung to be left, one by one.
    this.advance(8_000);
    this.#drain();
    this.check();
    for (const reader of this.readers) {
      const { real, audit } = reader;
      if (real.state === "ended") continue;
      const { state, rung, position, matched, overflow, dropped, expired } = real.stats();
      assert.deepEqual([state, rung, overflow], ["live", 0, reader.wish.overflow]);
      assert.equal(position.offset, this.published.length, "progress tells an idle reader where it is");
      audit.checkPosition(position.offset);
      const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0) + expired;
      const keyed = this.published.some(({ topic }) => this.isKeyed(topic));
      const { start } = reader;
      const countable = start === "live" || (typeof start === "object" && "epoch" in start);
      if (audit.unknown || keyed || !countable) continue;
      const wanted = this.published.slice(audit.floor).filter((message) => audit.wants(message)).length;
      const trimmed = audit.counted - lost;
      assert.equal(matched + trimmed, wanted, "everything is in the books, or told as trimmed");
    }
    const closed = this.hub.close({ drainTimeoutMs: 1_000 });
    this.#drain();
    this.clock.advance(1_001);
    await closed;
    this.check();
    assertGaugesAtRest(this.hub);
    for (const { sink } of this.readers) assert.ok(sink.ended !== undefined);
    assert.equal(this.clock.timers, 0, "no timer is left");
  }

  #drain(): void {
    for (const reader of this.readers) this.setValve(reader, "open");
    const frames = () => this.readers.reduce((sum, { sink }) => sum + sink.frames.length, 0);
    for (let round = 0, before = -1; before !== frames(); round++) {
      assert.ok(round < 1_000, "still busy");
      before = frames();
      this.clock.settle();
      for (const { sink } of this.readers) if (sink.pulled) sink.pull();
      this.clock.settle();
    }
    this.check();
  }

  #contain(run: () => void): void {
    try {
      run();
    } catch (fault) {
      this.#faults.push(fault);
    }
  }
}

function topicsOf(rules: readonly RetentionRule[]): HubOptions["topics"] & object {
  return Object.fromEntries(rules.map(({ pattern, ...retention }) => [pattern, { retention }]));
}
