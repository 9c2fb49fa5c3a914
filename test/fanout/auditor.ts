/**
 * Holds what one reader is sent against everything that was ever published, and against plain logs. It predicts no
 * frame: it knows only what must never be, so it is as true for catch-up, park and escalation as for live delivery.
 */
import assert from "node:assert/strict";
import type { EndFrame, GapFrame, MessageFrame, Start, StateFrame } from "../../src/protocol/index.ts";
import type { Recorded } from "../support/valve-sink.ts";
import { naiveMatch, type PlainMessage } from "./plain-subscription.ts";

export interface StoredMessage extends PlainMessage {
  readonly expiresAtMs: number;
  readonly tombstone: boolean;
}

/** What the auditor knows of the world around its reader. */
export interface Archive {
  readonly epoch: string;
  /** Everything ever published; the message with offset n is at n - 1. */
  readonly published: readonly StoredMessage[];
  readonly nowMs: number;
  /** Topics can be forgotten, so a notice may be given for what was none of the reader's business. */
  readonly forgets: boolean;
  isKeyed(topic: string): boolean;
  /** It is in the log of its topic, and not old. */
  isRetained(message: StoredMessage): boolean;
  /** It may be in the log of its topic. */
  mayBeRetained(message: StoredMessage): boolean;
}

export interface AuditTerms {
  readonly patterns: readonly string[];
  readonly overflow: string;
  readonly escalates: boolean;
  readonly filtered: boolean;
  readonly passes: (message: { readonly offset: number; readonly key: string | undefined }) => boolean;
  readonly maxAgeMs: number | undefined;
}

export class Auditor {
  readonly terms: AuditTerms;
  readonly #archive: Archive;
  /** What the reader has, over all its subscriptions. */
  readonly seen = new Set<number>();
  /** What it was told is lost. */
  readonly #told = new Set<number>();
  /** What of it was told as trimmed: before the next message of its topic, not of any topic. */
  readonly #trimmed = new Set<number>();
  /** What lies in the hull of a notice that is not sure: for several topics, or in a log of the latest per key. */
  readonly #loosely = new Set<number>();
  /** What it need not get: another message stands for it, or it was gone before the reader came. */
  readonly #excused = new Set<number>();
  /** The highest offset that each key was seen with, while newer messages may stand in for older ones. */
  readonly #newestOfKey = new Map<string, number>();
  #floor = 0;
  #checkedThrough = 0;
  #segment: GapFrame[] = [];
  #started = false;
  #conflating = false;
  #reading = false;
  /** How often each state frame came. */
  readonly states: StateFrame["state"][] = [];
  #lost = 0;
  unknown = false;

  constructor(terms: AuditTerms, archive: Archive) {
    this.terms = terms;
    this.#archive = archive;
  }

  wants(message: StoredMessage): boolean {
    return (
      this.terms.patterns.some((pattern) => naiveMatch(pattern, message.topic)) && this.terms.passes(message)
    );
  }

  /** Messages that it was told are lost, where that was told with a number. */
  get counted(): number {
    return this.#lost;
  }

  get missing(): StoredMessage[] {
    return this.#missing(this.#floor, this.#archive.published.length);
  }

  /** A subscription begins. `unconfirmed`: what the one before was given and had not confirmed. */
  attach(start: Start): void {
    const { published } = this.#archive;
    this.#started = false;
    this.#segment = [];
    this.#conflating = this.terms.overflow === "conflate";
    this.#newestOfKey.clear();
    this.#reading = start !== "live";
    this.#lost = 0;
    this.unknown = false;
    const floor = typeof start === "object" && "epoch" in start ? start.offset : 0;
    for (const set of [this.seen, this.#told, this.#loosely, this.#trimmed, this.#excused])
      for (const offset of set) if (offset > floor) set.delete(offset);
    if (start === "live" || (typeof start === "object" && "epoch" in start)) return;
    for (const message of published) {
      const unasked = start === "snapshot" && !this.#archive.isKeyed(message.topic);
      if (unasked || !this.#archive.isRetained(message)) this.#excused.add(message.offset);
    }
  }

  /** A batch was written. */
  wrote(frames: readonly Recorded[], expectedStart: number | undefined): void {
    for (const frame of frames) {
      switch (frame.kind) {
        case "started":
          assert.ok(!this.#started);
          this.#started = true;
          assert.equal(frame.position.epoch, this.#archive.epoch);
          this.#floor = expectedStart ?? frame.position.offset;
          this.#checkedThrough = this.#floor;
          // What was published since and is not for the reader may be behind it already.
          assert.ok(frame.position.offset >= this.#floor);
          this.checkPosition(frame.position.offset);
          break;
        case "state":
          this.#changed(frame);
          break;
        case "message":
          this.#message(frame);
          break;
        case "gap":
          this.#gap(frame);
          break;
        case "progress":
          this.checkPosition(frame.position.offset);
          break;
        case "end":
          assert.fail("an end is no part of a batch");
      }
    }
  }

  ended(frame: EndFrame): void {
    if (this.#started) this.checkPosition(frame.position.offset);
  }

  /** Whoever comes back with that position misses nothing without having been told. */
  checkPosition(offset: number): void {
    for (const message of this.#missing(this.#floor, offset)) {
      if (this.#isStoodFor(message, offset)) continue;
      assert.fail(
        `position ${offset} leaves ${message.offset} of ${message.topic} behind, which neither came nor was told`,
      );
    }
  }

  /** The offset that the present subscription started behind. */
  get floor(): number {
    return this.#floor;
  }

  #missing(after: number, through: number): StoredMessage[] {
    return this.#archive.published
      .slice(after, through)
      .filter(
        (message) =>
          this.wants(message) &&
          !this.seen.has(message.offset) &&
          !this.#told.has(message.offset) &&
          !this.#excused.has(message.offset),
      );
  }

  /**
   * A newer message of its key came instead, or will: where that is allowed.
   *
   * @param position - whoever comes back from it gets what is newer
   */
  #isStoodFor({ topic, key, offset }: StoredMessage, position = Infinity): boolean {
    if (key === undefined) return false;
    const newer = this.#archive.published
      .slice(offset)
      .filter((other) => other.topic === topic && other.key === key);
    if (this.#archive.isKeyed(topic)) {
      if (this.#reading) return newer.length > 0;
      // It may read the past already, and be told so only behind what waits in line.
      if (newer.some((other) => other.offset > position)) return true;
    }
    const conflates = this.terms.overflow === "conflate" || this.terms.escalates;
    return (
      conflates &&
      newer.some(
        (other) => other.offset > position || this.seen.has(other.offset) || this.#told.has(other.offset),
      )
    );
  }

  #changed({ state, overflow, rung }: StateFrame): void {
    this.states.push(state);
    if (!this.terms.escalates) assert.deepEqual([overflow, rung], [this.terms.overflow, 0]);
    if (rung === 0) assert.equal(overflow, this.terms.overflow, "on the ground its own policy is in force");
    if (this.#conflating && overflow !== "conflate") {
      // Everything up to the highest offset it knows of came, or was told, or was replaced by what came.
      // (what was trimmed can lie beyond it).
      const told = [...this.#told].filter((offset) => !this.#trimmed.has(offset));
      this.#checkedThrough = Math.max(this.#checkedThrough, ...this.seen, ...told);
      this.#segment = [];
    }
    this.#conflating = overflow === "conflate";
    if (state === "catching-up" || state === "parked") this.#reading = true;
    if (state !== "live" || !this.#reading) return;
    for (const message of this.#archive.published.slice(this.#floor)) {
      if (this.seen.has(message.offset) || !this.#archive.isKeyed(message.topic)) continue;
      if (this.#isStoodFor(message)) this.#excused.add(message.offset);
    }
    this.#reading = false;
  }

  #message(frame: MessageFrame): void {
    const message = this.#archive.published[frame.offset - 1]!;
    this.#isRight(frame, message);
    assert.ok(this.wants(message), `offset ${frame.offset} is not for this reader`);
    assert.ok(frame.offset > this.#floor, `offset ${frame.offset} lies behind ${this.#floor}`);
    assert.ok(!this.seen.has(frame.offset), `offset ${frame.offset} came twice`);
    if (this.#conflating) {
      // The hull of a loss may enclose what still waits, in the place of something older.
      this.#told.delete(frame.offset);
      const key = frame.key === undefined ? undefined : `${frame.topic} ${frame.key}`;
      if (key !== undefined) {
        assert.ok(frame.offset > (this.#newestOfKey.get(key) ?? 0), `offset ${frame.offset} came late`);
        this.#newestOfKey.set(key, frame.offset);
      }
    } else {
      assert.ok(frame.offset > this.#checkedThrough, `offset ${frame.offset} came late`);
      const lost = this.#told.has(frame.offset) && !this.#loosely.has(frame.offset);
      assert.ok(!lost, `offset ${frame.offset} was told as lost, and came`);
      this.#checkSegment(frame.offset);
      this.#checkedThrough = frame.offset;
    }
    this.seen.add(frame.offset);
  }

  #isRight(frame: MessageFrame, message: StoredMessage): void {
    const { topic, key, publishedAtMs, tombstone } = message;
    assert.deepEqual(
      [frame.topic, frame.key, frame.publishedAtMs, frame.tombstone],
      [topic, key, publishedAtMs, tombstone],
    );
    assert.ok(Buffer.from(frame.payload).equals(message.payload), "the bytes are those at publish");
    if (!this.#archive.forgets) assert.equal(frame.previousOffset, message.previousOffset);
    const { nowMs } = this.#archive;
    assert.ok(nowMs <= message.expiresAtMs, "nobody is sent what has expired");
    assert.ok(nowMs - publishedAtMs <= (this.terms.maxAgeMs ?? Infinity), "nobody is sent what is too old");
  }

  /** Everything that is missing below a message that has come was told before it, with exact counts. */
  #checkSegment(offset: number): void {
    const missing = this.#archive.published
      .slice(this.#checkedThrough, offset - 1)
      .filter((message) => this.wants(message) && !this.seen.has(message.offset));
    for (const message of missing) {
      const { topic } = message;
      const fine =
        this.#told.has(message.offset) || this.#excused.has(message.offset) || this.#isStoodFor(message);
      assert.ok(fine, `${message.offset} of ${topic} is missing before ${offset}, and was not told`);
    }
    for (const topic of new Set([...missing, ...this.#segment].map((each) => each.topic))) {
      if (topic !== undefined)
        this.#checkCounts(
          topic,
          missing.filter((message) => message.topic === topic),
        );
    }
    this.#segment = [];
  }

  #checkCounts(topic: string, missing: readonly StoredMessage[]): void {
    const gaps = this.#segment.filter((gap) => gap.topic === topic);
    const counted = gaps.reduce((sum, gap) => sum + (gap.count ?? 0), 0);
    const needed = missing.filter(
      (message) =>
        !this.#trimmed.has(message.offset) &&
        !this.#excused.has(message.offset) &&
        !this.#isStoodFor(message),
    );
    assert.ok(counted <= missing.length, `${counted} of ${topic} were told as lost, of ${missing.length}`);
    assert.ok(counted >= needed.length, `${counted} of ${topic} were told as lost, of ${needed.length}`);
  }

  #gap(gap: GapFrame): void {
    const { from, to, count, reason } = gap;
    const { published } = this.#archive;
    assert.ok(from >= 1 && from <= to && to <= published.length, JSON.stringify(gap));
    assert.ok(count === undefined || (count >= 1 && count <= to - from + 1), JSON.stringify(gap));
    if (count === undefined) {
      assert.equal(reason, "trimmed", "everything else can be counted");
      assert.ok(this.#reading, "only who reads the past meets what is trimmed");
      this.unknown = true;
    }
    const covered = published
      .slice(from - 1, to)
      .filter(
        (message) =>
          (gap.topic ?? message.topic) === message.topic &&
          this.wants(message) &&
          !this.seen.has(message.offset),
      );
    const mayBeNone = reason === "trimmed" && (this.terms.filtered || this.#archive.forgets);
    assert.ok(covered.length >= (count ?? (mayBeNone ? 0 : 1)), `no such loss: ${JSON.stringify(gap)}`);
    this.#lost += count ?? 0;
    this.#checkReason(gap, covered);
    if (reason !== "trimmed") this.#segment.push(gap);
    for (const message of covered) {
      // A notice for several topics at once is for those that are not there any more.
      if (gap.topic === undefined && this.#archive.isRetained(message)) continue;
      const keyed = reason === "trimmed" && this.#archive.isKeyed(message.topic);
      if (gap.topic === undefined || keyed) this.#loosely.add(message.offset);
      this.#told.add(message.offset);
      if (reason === "trimmed") this.#trimmed.add(message.offset);
    }
  }

  #checkReason({ reason, topic }: GapFrame, covered: readonly StoredMessage[]): void {
    const { nowMs } = this.#archive;
    switch (reason) {
      case "trimmed":
        assert.ok(this.#reading, "only who reads the past meets what is trimmed");
        if (topic !== undefined) {
          const kept = covered.filter((message) => this.#archive.isRetained(message));
          // In a log of the latest per key, older ones can outlive newer ones that were forgotten.
          if (!this.#archive.isKeyed(topic)) assert.deepEqual(kept, [], "what is retained is not trimmed");
        }
        break;
      case "expired":
        assert.ok(
          covered.some(
            ({ expiresAtMs, publishedAtMs }) =>
              nowMs > expiresAtMs || nowMs - publishedAtMs > (this.terms.maxAgeMs ?? Infinity),
          ),
        );
        break;
      case "overflow":
        if (!this.terms.escalates)
          assert.ok(["drop-oldest", "drop-newest", "conflate"].includes(this.terms.overflow));
        break;
      case "oversize":
      case "render-failed":
      case "filter-failed":
        break;
    }
  }
}
