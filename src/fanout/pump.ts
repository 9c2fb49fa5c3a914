import type { EndFrame, GapFrame } from "../protocol/index.ts";
import type { Flushable, FlushLoop } from "./flush-loop.ts";
import type { Lingering } from "./linger.ts";
import type { Message } from "./message.ts";
import type { SubscriberSettings } from "./rules.ts";
import type { BatchLimits, Sink, SinkFeedback, SinkFrame } from "./sink.ts";

/**
 * What a subscription's delivery is doing.
 *
 * - `idle`: the sink takes more at once; there is nothing to send, or it goes with the next flush.
 * - `writing`: one batch is outstanding.
 * - `stalled`: that batch is older than the stall timeout.
 * - `paused`: the reader is busy and will ask for more.
 * - `ended`: the sink got its end.
 *
 *     idle ─► writing ─► idle          stalled ends when the batch is handed over after all,
 *      ▲         ├─────► paused        or in its end; `ended` is reached from everywhere
 *      │         └─────► stalled       and left for nowhere
 *      └── pull() ── paused
 */
export type DeliveryPhase = "idle" | "writing" | "stalled" | "paused" | "ended";

/** Where a pump gets its frames, and whom it tells how they fared: the subscription. */
export interface PumpSource {
  readonly hasWork: boolean;
  /** It reads the past rather than what is published. */
  readonly isCatchingUp: boolean;
  /** There is a whole batch to send. */
  fills(limits: BatchLimits): boolean;
  /** Puts the next batch, if there is one, into `frames`. Once taken it is in flight until `settled`. */
  take(frames: SinkFrame[], limits: BatchLimits): void;
  /** The batch in flight is handed over. */
  settled(): void;
  unrenderable(message: Message): GapFrame;
  /** The sink's other side is gone. */
  sinkClosed(): void;
  /** The sink threw. By contract it throws nothing: it is broken, and can be told no more than the end. */
  sinkFailed(error: unknown): void;
  /** The sink got its end. */
  ended(end: EndFrame): void;
  /** Bytes in flight. */
  readonly inFlightBytes: number;
  /** @param now - by the watch's time */
  stalled(now: number): void;
  unstalled(): void;
}

// Frames live in it only between take and the return of Sink.write, so one array serves all pumps. A sink that
// runs code which pulls another subscription needs a second one.
const scratch: SinkFrame[] = [];
let scratchTaken = false;

/**
 * Moves batches from one subscription to its sink: one outstanding at a time. It is the only one who waits for a
 * sink, and it waits without a promise or a timer of its own: the sink calls back, or the other side goes away,
 * or the hub's shared watch finds the batch too old. Each of the three settles it.
 */
export class Pump implements Flushable, Lingering, SinkFeedback {
  readonly #source: PumpSource;
  readonly #sink: Sink;
  readonly #loop: FlushLoop;
  #limits: BatchLimits;
  #phase: DeliveryPhase;
  /** Whether it waits in the flush loop: at most once, whatever happens meanwhile. */
  #listed = false;
  /** How long it waits for more to send, in milliseconds; 0: it does not wait. */
  #lingerMs = 0;
  /** The source is giving a batch, on this stack. */
  #taking = false;
  #end: EndFrame | undefined;
  /** When the watch first saw the batch in flight; `undefined` until then, so no batch is ever judged early. */
  #writingSince: number | undefined;
  #batches = 0;
  /** Which batch is, or was last, outstanding after `write` returned, and when it was written. */
  #pendingBatch = 0;
  #pendingSinceMs = 0;

  constructor(source: PumpSource, sink: Sink, loop: FlushLoop, defaultLimits: BatchLimits) {
    this.#source = source;
    this.#sink = sink;
    this.#loop = loop;
    this.#limits = sink.batch ?? defaultLimits;
    this.#phase = sink.pulled === true ? "paused" : "idle";
  }

  get phase(): DeliveryPhase {
    return this.#phase;
  }

  /** Batches given to the sink. */
  get batches(): number {
    return this.#batches;
  }

  /** When the batch was written that is outstanding, in Unix milliseconds; `undefined` when none is. */
  get pendingSinceMs(): number | undefined {
    if (this.#phase !== "writing" && this.#phase !== "stalled") return undefined;
    // Not so when a hook asks from inside of `write`.
    return this.#pendingBatch === this.#batches ? this.#pendingSinceMs : undefined;
  }

  open(): void {
    try {
      this.#sink.open(this);
    } catch (error) {
      this.#source.sinkFailed(error);
    }
  }

  /** For a sink without limits of its own. */
  changeLimits(defaultLimits: BatchLimits): void {
    this.#limits = this.#sink.batch ?? defaultLimits;
  }

  /** The source has work: it gets a turn in the next flush if the sink can take it. */
  ready(): void {
    if (this.#phase === "idle" && !this.#listed) this.#list();
  }

  /**
   * The source has work that may wait for more: it gets a turn after `ms` at the latest, and in the next flush if there
   * is a batch already.
   */
  readyWithin(ms: number): void {
    if (this.#phase !== "idle" || this.#listed) return;
    if (this.#source.fills(this.#limits)) {
      this.#list();
    } else if (this.#lingerMs === 0 || ms < this.#lingerMs) {
      this.#stopLingering();
      this.#lingerMs = ms;
      this.#loop.lingering.add(this, ms);
    }
  }

  /** The sink gets `end` in the next flush, and nothing else any more. */
  finish(end: EndFrame): void {
    this.#end = end;
    if (!this.#listed) this.#list();
  }

  /** Called by the hub's watch. `now` counts only time in which the event loop was free. */
  watch(now: number, settings: SubscriberSettings): void {
    if (this.#phase !== "writing") return;
    if (this.#writingSince === undefined) {
      this.#writingSince = now;
      return;
    }
    const allowance =
      settings.stallTimeoutMs + (this.#source.inFlightBytes * 1000) / settings.minBytesPerSecond;
    if (now - this.#writingSince < allowance) return;
    this.#phase = "stalled";
    this.#source.stalled(now);
  }

  // Lingering

  lingered(): void {
    this.#lingerMs = 0;
    if (this.#source.hasWork) this.ready();
  }

  // Flushable

  flush(): number {
    this.#listed = false;
    if (this.#end === undefined) return this.#phase === "idle" ? this.#pump() : 0;
    this.#finish(this.#end);
    return 1;
  }

  // SinkFeedback

  written(): void {
    if (this.#end !== undefined || (this.#phase !== "writing" && this.#phase !== "stalled")) return;
    this.#settle("idle");
    if (this.#source.hasWork) this.ready();
  }

  pull(): void {
    // From inside of `take`, by a hook: the batch that is being made is the answer.
    if (this.#end !== undefined || this.#taking) return;
    if (this.#phase === "paused") this.#phase = "idle";
    if (this.#phase !== "idle" || !this.#source.hasWork) return;
    this.#loop.look();
    this.#pump();
  }

  unrenderable(message: Message): GapFrame {
    return this.#source.unrenderable(message);
  }

  closed(): void {
    if (this.#end === undefined) this.#source.sinkClosed();
  }

  #stopLingering(): void {
    if (this.#lingerMs === 0) return;
    this.#loop.lingering.remove(this, this.#lingerMs);
    this.#lingerMs = 0;
  }

  #list(): void {
    this.#stopLingering();
    this.#listed = true;
    this.#loop.add(this, this.#source.isCatchingUp ? "catching-up" : "live");
  }

  /** One batch, if there is work; returns how many frames it had. */
  #pump(): number {
    if (!this.#source.hasWork) return 0;
    let moved = 0;
    const borrowed = !scratchTaken;
    const frames = borrowed ? scratch : [];
    if (borrowed) scratchTaken = true;
    try {
      this.#taking = true;
      this.#source.take(frames, this.#limits);
      this.#taking = false;
      moved = frames.length;
      if (moved > 0) this.#write(frames);
    } catch (error) {
      this.#taking = false;
      this.#source.sinkFailed(error);
    } finally {
      if (borrowed) {
        // Setting the length would give the storage away, and is a call into the runtime besides.
        while (scratch.length > 0) scratch.pop();
        scratchTaken = false;
      }
    }
    if (this.#phase === "idle" && this.#source.hasWork) this.ready();
    return moved;
  }

  #write(frames: readonly SinkFrame[]): void {
    this.#phase = "writing";
    this.#writingSince = undefined;
    this.#batches++;
    const outcome = this.#sink.write(frames);
    // The sink may have called written() or closed() on the way; then there is nothing left to settle.
    if (this.#phase !== "writing" || this.#end !== undefined) return;
    if (outcome === "pending") {
      this.#pendingBatch = this.#batches;
      this.#pendingSinceMs = this.#loop.lookedAtMs;
    } else {
      this.#settle(outcome === "paused" ? "paused" : "idle");
    }
  }

  #settle(phase: "idle" | "paused"): void {
    const wasStalled = this.#phase === "stalled";
    this.#phase = phase;
    this.#source.settled();
    if (wasStalled) this.#source.unstalled();
  }

  #finish(end: EndFrame): void {
    this.#phase = "ended";
    try {
      this.#sink.end(end);
    } catch (error) {
      this.#source.sinkFailed(error);
    }
    this.#source.ended(end);
  }
}
