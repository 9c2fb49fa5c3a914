/**
 * What one client process sees: a set of books for each of its subscribers, and the latencies of all of them.
 *
 * @module
 */
import type { Listener } from "../system.ts";
import { type ClosedBooks, SubscriberBooks, sumOfBooks } from "./books.ts";
import { NANOS_PER_MS, nowNanos } from "./clock.ts";
import { Histogram } from "./histogram.ts";
import type { ClientReport, Measured } from "./messages.ts";
import { Schedule } from "./schedule.ts";
import { Spans } from "./spans.ts";
import { intendedNanosOf, SMALLEST_PAYLOAD, sequenceOf, WARM_UP } from "./stamp.ts";

/** A message that comes so long after it was due shows a subscriber that is not current. */
const LATE_NANOS = 100 * NANOS_PER_MS;

export class Witness {
  readonly #books: SubscriberBooks[] = [];
  readonly #latency = new Histogram();
  readonly #absent = new Histogram();
  #measured:
    | {
        readonly schedule: Schedule;
        readonly spans: Spans;
        readonly startNanos: number;
        readonly excusesDrops: boolean;
      }
    | undefined;
  #payloadBytes = 0;
  #deliveries = 0;
  #garbled = 0;
  #notices = 0;
  #lastLateNanos: number | undefined;
  #ended = 0;
  #endedFirst: string | undefined;
  #onProgress: (() => void) | undefined;

  /** One more subscriber. @param onMessage - called behind the books, for every message */
  listener(onMessage?: () => void): Listener {
    const books = new SubscriberBooks();
    this.#books.push(books);
    return {
      message: (payload) => {
        this.#take(payload, books);
        onMessage?.();
      },
      lost: (count) => {
        books.lost(count);
        if (this.#measured !== undefined) this.#notices++;
        this.#onProgress?.();
      },
      ended: (reason) => {
        this.#ended++;
        this.#endedFirst ??= reason;
      },
    };
  }

  /** A subscriber without books, because it misses things by its own doing. */
  counter(onMessage?: () => void): Listener {
    return {
      message: (payload) => {
        if (sequenceOf(payload) !== WARM_UP) this.#deliveries++;
        onMessage?.();
      },
      ended: () => {},
    };
  }

  /** Resolves with how many messages are still to come, over all subscribers: 0, or more when the limit came first. */
  async settled(warmUp: number, limitMs: number): Promise<number> {
    return this.#until((books) => warmUp - books.warmedUp, limitMs);
  }

  begin({ startNanos, phases, payloadBytes, spanMs, excusesDrops }: Measured, warmUp: number): void {
    this.#measured = {
      startNanos,
      excusesDrops,
      schedule: new Schedule(phases),
      spans: new Spans(startNanos, spanMs * NANOS_PER_MS),
    };
    this.#payloadBytes = payloadBytes;
    for (const books of this.#books) books.begin(warmUp);
  }

  /** Waits for what is still to come, but not longer than the limit, and closes the books. */
  async finish(limitMs: number): Promise<ClientReport> {
    const { schedule, spans, startNanos } = this.#measured!;
    await this.#until((books) => schedule.messages - books.accounted, limitMs);
    const endNanos = nowNanos();
    return {
      books: sumOfBooks(this.#books.map((books) => this.#close(books, endNanos))),
      latency: this.#latency.data(),
      absent: this.#absent.data(),
      notices: this.#notices,
      spans: spans.data(),
      deliveries: this.#deliveries,
      garbled: this.#garbled,
      ended: this.#ended,
      ...(this.#endedFirst === undefined ? {} : { endedFirst: this.#endedFirst }),
      ...(this.#lastLateNanos === undefined
        ? {}
        : { lastLateAtMs: (this.#lastLateNanos - startNanos) / NANOS_PER_MS }),
    };
  }

  #take(payload: Uint8Array, books: SubscriberBooks): void {
    const sequence = payload.length < SMALLEST_PAYLOAD ? Number.NaN : sequenceOf(payload);
    if (sequence === WARM_UP) books.message(sequence);
    else this.#takeMeasured(payload, sequence, books);
    this.#onProgress?.();
  }

  #takeMeasured(payload: Uint8Array, sequence: number, books: SubscriberBooks): void {
    const measured = this.#measured;
    if (
      measured === undefined ||
      !(sequence < measured.schedule.messages) ||
      payload.length !== this.#payloadBytes
    ) {
      this.#garbled++;
      return;
    }
    this.#deliveries++;
    if (books.message(sequence) === "duplicate") return;
    const intendedNanos = intendedNanosOf(payload);
    const arrivedNanos = nowNanos();
    const latencyNanos = arrivedNanos - intendedNanos;
    if (latencyNanos > LATE_NANOS) this.#lastLateNanos = arrivedNanos;
    this.#latency.recordNanos(latencyNanos);
    measured.spans.record(intendedNanos, latencyNanos);
  }

  /**
   * What never came is as late as the trial is long, even if it was told: whoever drops what is slow would look fastest
   * otherwise.
   */
  #close(books: SubscriberBooks, endNanos: number): ClosedBooks {
    const { schedule, spans, startNanos, excusesDrops } = this.#measured!;
    const closed = books.close(schedule.messages);
    const first = excusesDrops ? schedule.messages - closed.undelivered : 0;
    for (let sequence = first; sequence < schedule.messages; sequence++) {
      if (books.has(sequence)) continue;
      const intendedNanos = startNanos + schedule.messageDueNanos(sequence);
      this.#absent.recordNanos(endNanos - intendedNanos);
      spans.record(intendedNanos, endNanos - intendedNanos);
    }
    // Whoever is not there in the end has never been current again.
    const oldest = schedule.messages - closed.undelivered;
    const waitingNanos =
      closed.undelivered > 0 ? endNanos - startNanos - schedule.messageDueNanos(oldest) : 0;
    if (waitingNanos > LATE_NANOS) this.#lastLateNanos = endNanos;
    return closed;
  }

  async #until(outstanding: (books: SubscriberBooks) => number, limitMs: number): Promise<number> {
    const left = () => this.#books.reduce((sum, books) => sum + Math.max(0, outstanding(books)), 0);
    if (left() === 0) return 0;
    await new Promise<void>((resolve) => {
      const limit = setTimeout(resolve, limitMs);
      // Counting all of them for every message would cost more than the messages do.
      let looking = false;
      this.#onProgress = () => {
        if (looking) return;
        looking = true;
        setImmediate(() => {
          looking = false;
          if (left() > 0) return;
          clearTimeout(limit);
          resolve();
        });
      };
    });
    this.#onProgress = undefined;
    return left();
  }
}
