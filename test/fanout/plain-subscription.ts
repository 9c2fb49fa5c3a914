/**
 * What a subscription should receive, worked out with plain arrays: slow and obvious, and independent of the
 * engine. The line holds what waits and, at the place where it happened, each single loss; nothing is merged
 * before it is compared.
 */
import assert from "node:assert/strict";
import type { KeyFilter, MessageFrame } from "../../src/index.ts";
import {
  CLOSE_REASONS,
  type CloseReason,
  type EndFrame,
  type GapFrame,
  type GapReason,
  type OverflowPolicyName,
  type QueueBounds,
  type StateFrame,
} from "../../src/protocol/index.ts";
import type { Recorded } from "../support/valve-sink.ts";

export interface PlainMessage {
  readonly topic: string;
  readonly offset: number;
  readonly previousOffset: number;
  readonly key: string | undefined;
  /** A copy made before the caller changed its buffer. */
  readonly payload: Uint8Array;
  readonly bytes: number;
  readonly publishedAtMs: number;
}

interface Waiting {
  readonly message: PlainMessage;
  /** The offset that its place in line began with. */
  readonly first: number;
}

interface Loss {
  readonly topic: string | undefined;
  readonly from: number;
  readonly to: number;
  readonly count: number | undefined;
  readonly reason: GapReason;
}

/** A frame that says that the state has changed. */
interface Mark {
  readonly state: StateFrame["state"];
}

type Entry = Waiting | Loss | Mark;

export interface PlainTerms {
  readonly patterns: readonly string[];
  readonly overflow: OverflowPolicyName;
  readonly queue: QueueBounds;
  readonly filter: KeyFilter | undefined;
  /** Messages of which the subscriber's predicate throws. */
  readonly predicateThrows: ((message: { readonly offset: number }) => boolean) | undefined;
  readonly startsBehind: number;
  readonly resumeAfter: number | undefined;
  /** What was published before it came. */
  readonly past: readonly PlainMessage[];
}

/** How full a queue is when its subscriber begins to be slow, and when it no longer is. */
const HIGH = 0.75;
const LOW = 0.5;

/** Whether a topic is for a pattern, token by token. */
export function naiveMatch(pattern: string, topic: string): boolean {
  const wanted = pattern.split(".");
  const tokens = topic.split(".");
  for (const [index, token] of wanted.entries()) {
    if (token === ">") return tokens.length > index;
    if (tokens[index] === undefined || (token !== "*" && token !== tokens[index])) return false;
  }
  return tokens.length === wanted.length;
}

const isWaiting = (entry: Entry): entry is Waiting => "message" in entry;
const isMark = (entry: Entry): entry is Mark => "state" in entry;
const lossOf = ({ topic, offset }: PlainMessage, reason: GapReason): Loss => ({
  topic,
  from: offset,
  to: offset,
  count: 1,
  reason,
});

export class PlainSubscription {
  readonly terms: PlainTerms;
  state: "live" | "draining" | "ended" = "live";
  endReason: CloseReason | undefined;

  #line: Entry[] = [];
  #inFlight: PlainMessage[] = [];
  #startedDue = true;
  #outstanding = false;
  /** From the high watermark to the low one. */
  slow = false;
  #evaluated: number;
  #taken: number;
  settledThrough: number;
  #conflatedTold = 0;
  readonly #seen = new Set<number>();
  readonly #newestSeen = new Map<string, number>();

  matched = 0;
  delivered = 0;
  conflated = 0;
  discarded = 0;
  readonly dropped = { overflow: 0, oversize: 0, "render-failed": 0, "filter-failed": 0 };
  /** Matching messages that it has been told are lost. */
  told = 0;

  constructor(terms: PlainTerms) {
    this.terms = terms;
    const start = terms.resumeAfter ?? terms.startsBehind;
    this.#evaluated = terms.startsBehind;
    this.#taken = start;
    this.settledThrough = start;
    if (terms.resumeAfter === undefined) return;
    this.#line.push({ state: "catching-up" });
    const missed = terms.past.filter((message) => message.offset > start && this.wants(message));
    const newest = new Map(missed.map(({ topic, offset }) => [topic, offset]));
    for (const [topic, to] of newest) {
      this.#line.push({ topic, from: start + 1, to, count: undefined, reason: "trimmed" });
    }
    this.#line.push({ state: "live" });
  }

  /** Everything up to here is behind the subscriber, or not for it. */
  get position(): number {
    const idle = !this.#outstanding && this.state !== "ended";
    return idle ? Math.max(this.settledThrough, this.#undelivered() - 1) : this.settledThrough;
  }

  get waiting(): PlainMessage[] {
    return this.#line.filter(isWaiting).map(({ message }) => message);
  }

  get inFlight(): readonly PlainMessage[] {
    return this.#inFlight;
  }

  get lost(): number {
    return Object.values(this.dropped).reduce((sum, count) => sum + count, 0);
  }

  get nothingOwed(): boolean {
    return this.#line.length === 0 && !this.#startedDue;
  }

  wants(message: PlainMessage): boolean {
    return this.terms.patterns.some((pattern) => naiveMatch(pattern, message.topic));
  }

  published(message: PlainMessage): void {
    if (this.state !== "live") return;
    this.#offered(message);
    if (this.state === "live" && this.#fullness >= HIGH) this.slow = true;
  }

  #offered(message: PlainMessage): void {
    this.#evaluated = message.offset;
    if (!this.wants(message)) return;
    if (this.terms.predicateThrows?.(message) === true) {
      this.matched++;
      this.#lose(message, "filter-failed");
      this.#line.push(lossOf(message, "filter-failed"));
      return;
    }
    const { filter } = this.terms;
    if (filter !== undefined) {
      const { key } = message;
      const passes =
        key !== undefined &&
        ((filter.keys ?? []).includes(key) ||
          (filter.keyPrefixes ?? []).some((prefix) => key.startsWith(prefix)));
      if (!passes) return;
    }
    this.matched++;
    if (message.bytes > this.terms.queue.bytes) {
      this.#lose(message, "oversize");
      this.#line.push(lossOf(message, "oversize"));
      return;
    }
    if (this.terms.overflow === "conflate" && message.key !== undefined) {
      const unread = this.#line.find(
        (entry): entry is Waiting =>
          isWaiting(entry) && entry.message.topic === message.topic && entry.message.key === message.key,
      );
      if (unread !== undefined) {
        this.#replace(unread, message);
        return;
      }
    }
    switch (this.terms.overflow) {
      case "drop-oldest":
      case "conflate":
        while (!this.#fits(message)) this.#dropOldestBut(undefined);
        break;
      case "drop-newest":
        if (this.#fits(message)) break;
        this.#lose(message, "overflow");
        this.#line.push(lossOf(message, "overflow"));
        return;
      case "evict":
      case "block":
        if (this.#fits(message)) break;
        this.discarded++;
        this.end(this.terms.overflow === "evict" ? "overflow" : "overrun");
        return;
    }
    this.#line.push({ message, first: message.offset });
  }

  drain(): void {
    if (this.state !== "live") return;
    this.state = "draining";
    this.slow = false;
    this.#line.unshift({ state: "draining" });
  }

  end(reason: CloseReason): void {
    if (this.state === "ended") return;
    this.settledThrough = this.position;
    this.state = "ended";
    this.slow = false;
    this.endReason = reason;
    this.discarded += this.waiting.length + this.#inFlight.length;
    this.#inFlight = [];
    this.#line = [];
  }

  /** The sink was given a batch: it must be exactly what comes next. */
  wrote(frames: readonly Recorded[], epoch: string): void {
    assert.notEqual(this.state, "ended", "nothing is written after the end");
    assert.equal(this.#inFlight.length, 0, "one batch at a time");
    const rest = [...frames];
    let last: "message" | "loss" | undefined;
    for (let frame = rest.shift(); frame !== undefined; frame = rest.shift()) {
      switch (frame.kind) {
        case "started":
          assert.ok(this.#startedDue);
          this.#startedDue = false;
          assert.deepEqual(frame.position, { epoch, offset: this.position });
          assert.equal(frame.overflow, this.terms.overflow);
          assert.deepEqual(frame.queue, this.terms.queue);
          break;
        case "state":
          assert.deepEqual(this.#line.shift(), { state: frame.state });
          assert.deepEqual([frame.overflow, frame.rung], [this.terms.overflow, 0]);
          break;
        case "message":
          this.#takeMessage(frame);
          last = "message";
          break;
        case "gap": {
          if (frame.reason === "render-failed") {
            this.#takeUnrendered(frame);
            last = "message";
            break;
          }
          const group = [frame];
          while (rest[0]?.kind === "gap" && rest[0].reason !== "render-failed")
            group.push(rest.shift() as GapFrame);
          this.#takeLosses(group);
          last = "loss";
          break;
        }
        case "progress":
          assert.equal(rest.length, 0, "progress closes its batch");
          assert.deepEqual(frame.position, { epoch, offset: this.#undelivered() - 1 });
          assert.equal(frame.conflated, this.conflated - this.#conflatedTold);
          this.#conflatedTold = this.conflated;
          break;
        case "end":
          assert.fail("an end is no part of a batch");
      }
    }
    if (last === "loss" && this.waiting.length === 0)
      assert.equal(frames.at(-1)?.kind, "progress", "nothing else says that the loss is behind it");
    this.#outstanding = true;
    this.#taken = this.#undelivered() - 1;
    if (this.#fullness <= LOW) this.slow = false;
  }

  /** The sink confirmed the batch. */
  settled(): void {
    if (this.state === "ended") return;
    this.#outstanding = false;
    this.delivered += this.#inFlight.length;
    this.#inFlight = [];
    this.settledThrough = this.#taken;
    if (this.state === "draining" && this.nothingOwed) this.end("draining");
  }

  /** The sink was given the end. */
  sawEnd(frame: EndFrame, epoch: string): void {
    assert.equal(this.state, "ended");
    assert.equal(frame.reason, this.endReason);
    assert.equal(frame.lost, this.lost);
    assert.deepEqual(frame.position, { epoch, offset: this.settledThrough });
    assert.equal(frame.retryAfterMs !== undefined, CLOSE_REASONS[frame.reason].advice === "resume");
  }

  #takeMessage(frame: MessageFrame): void {
    const next = this.#line.shift();
    assert.ok(next !== undefined && isWaiting(next), `offset ${frame.offset}: a loss before it was not told`);
    const { message } = next;
    assert.equal(frame.offset, message.offset);
    assert.equal(frame.topic, message.topic);
    assert.equal(frame.key, message.key);
    assert.equal(frame.previousOffset, message.previousOffset);
    assert.equal(frame.publishedAtMs, message.publishedAtMs);
    assert.ok(Buffer.from(frame.payload).equals(message.payload), "the bytes are those at publish");
    this.#inFlight.push(message);
    this.#see(message);
  }

  #takeUnrendered(frame: GapFrame): void {
    const next = this.#line.shift();
    assert.ok(next !== undefined && isWaiting(next));
    assert.deepEqual(frame, { kind: "gap", ...lossOf(next.message, "render-failed") });
    this.#lose(next.message, "render-failed");
    this.told++;
    this.#see(next.message);
  }

  #takeLosses(group: readonly GapFrame[]): void {
    // A change to live that stands among them is told behind them.
    const next = this.#line.findIndex(isWaiting);
    const before = this.#line.splice(0, next < 0 ? this.#line.length : next);
    const losses = before.filter((entry) => !isMark(entry)) as Loss[];
    const marks = before.filter(isMark);
    assert.ok(marks.every(({ state }) => state === "live"));
    this.#line.unshift(...marks);
    const expected = new Map<string, GapFrame>();
    for (const { topic, from, to, count, reason } of losses) {
      const name = `${reason} ${topic}`;
      const merged = expected.get(name) ?? { kind: "gap", topic, from, to, count: count && 0, reason };
      expected.set(name, {
        ...merged,
        from: Math.min(merged.from, from),
        to: Math.max(merged.to, to),
        count: merged.count === undefined || count === undefined ? undefined : merged.count + count,
      });
    }
    const sorted = (gaps: Iterable<GapFrame>) =>
      [...gaps].sort((a, b) => `${a.reason} ${a.topic}`.localeCompare(`${b.reason} ${b.topic}`));
    assert.deepEqual(sorted(group), sorted(expected.values()));
    for (const gap of group) this.told += gap.count ?? 0;
  }

  #see({ offset, topic, key }: PlainMessage): void {
    assert.ok(!this.#seen.has(offset), `offset ${offset} came twice`);
    this.#seen.add(offset);
    const conflates = this.terms.overflow === "conflate";
    // Without a key nothing overtakes either, but only among its equals.
    const lane = conflates ? `${topic} ${key}` : "all";
    if (!conflates || key !== undefined)
      assert.ok(offset > (this.#newestSeen.get(lane) ?? 0), `offset ${offset} came late`);
    this.#newestSeen.set(lane, offset);
  }

  /** The lowest offset that may still come. */
  #undelivered(): number {
    const open = this.#line.map((entry) =>
      isWaiting(entry) ? entry.first : isMark(entry) ? Number.POSITIVE_INFINITY : entry.from,
    );
    return Math.min(...open, this.#evaluated + 1);
  }

  get #fullness(): number {
    const { waiting } = this;
    const { queue } = this.terms;
    return Math.max(waiting.length / queue.messages, bytesOf(waiting) / queue.bytes);
  }

  #fits({ bytes }: PlainMessage): boolean {
    const { waiting } = this;
    const { queue } = this.terms;
    return waiting.length < queue.messages && bytesOf(waiting) + bytes <= queue.bytes;
  }

  #replace(unread: Waiting, message: PlainMessage): void {
    const replacement = { message, first: unread.first };
    this.#line[this.#line.indexOf(unread)] = replacement;
    this.conflated++;
    while (bytesOf(this.waiting) > this.terms.queue.bytes) this.#dropOldestBut(replacement);
  }

  #dropOldestBut(spared: Waiting | undefined): void {
    const index = this.#line.findIndex((entry) => isWaiting(entry) && entry !== spared);
    const { message } = this.#line[index] as Waiting;
    this.#lose(message, "overflow");
    const loss = lossOf(message, "overflow");
    const sparedAt = spared === undefined ? -1 : this.#line.indexOf(spared);
    if (sparedAt < 0 || sparedAt > index) {
      this.#line[index] = loss;
    } else {
      // The spared one moves up into the place of the lost one, so what lay between now lies before it.
      const between = this.#line.splice(sparedAt, index - sparedAt + 1).slice(1, -1);
      this.#line.splice(sparedAt, 0, ...between, loss, spared!);
    }
  }

  #lose(_message: PlainMessage, reason: Exclude<GapReason, "trimmed" | "expired">): void {
    this.dropped[reason]++;
  }
}

export function bytesOf(messages: readonly { readonly bytes: number }[]): number {
  return messages.reduce((sum, { bytes }) => sum + bytes, 0);
}
