/**
 * What the clients of one kind saw: a set of books for each of them, and how old and how stale everything was, over all.
 *
 * @module
 */
import type { RemoteFrame } from "../../../src/transport/grpc/client/index.ts";
import type { ClientFigures } from "../../config-results.ts";
import { SubscriberBooks, sumOfBooks } from "../../harness/books.ts";
import { nowNanos } from "../../harness/clock.ts";
import { Histogram } from "../../harness/histogram.ts";
import { intendedNanosOf, SMALLEST_PAYLOAD, sequenceOf, WARM_UP } from "../../harness/stamp.ts";
import type { Feed } from "./feed.ts";
import { Freshness } from "./freshness.ts";
import type { Measured } from "./messages.ts";

export class KindWitness {
  readonly #feed: Feed;
  readonly #books: SubscriberBooks[] = [];
  readonly #fresh: Freshness[] = [];
  readonly #age = new Histogram();
  readonly #outOfDate = new Histogram();
  #measuring = false;
  #trimmed = 0;
  #unknownLosses = 0;
  #garbled = 0;
  #comebacks = 0;
  #over = 0;
  #overFirst: string | undefined;

  constructor(feed: Feed) {
    this.#feed = feed;
  }

  /** One more client. Returns what takes its frames. */
  client(): (frame: RemoteFrame) => void {
    const books = new SubscriberBooks();
    const index = this.#books.push(books) - 1;
    return (frame) => {
      if (frame.kind === "message") this.#message(frame.payload, books, this.#fresh[index]);
      else if (frame.kind === "progress" && frame.conflated > 0) books.lost(frame.conflated);
      else if (frame.kind === "gap") {
        books.lost(frame.count);
        if (!this.#measuring) return;
        if (frame.count === undefined) this.#unknownLosses++;
        else if (frame.reason === "trimmed") this.#trimmed += frame.count;
      }
    };
  }

  cameBack(): void {
    if (this.#measuring) this.#comebacks++;
  }

  /** One of them has ended for good. */
  over(reason: string): void {
    this.#over++;
    this.#overFirst ??= reason;
  }

  begin({ startNanos, warmUp }: Measured): void {
    this.#measuring = true;
    for (const books of this.#books) {
      books.begin(warmUp);
      this.#fresh.push(new Freshness(this.#feed, startNanos, this.#outOfDate));
    }
  }

  /** How many messages are neither there nor told as lost, over all of them. */
  get outstanding(): number {
    return this.#books.reduce((sum, { accounted }) => sum + Math.max(0, this.#feed.messages - accounted), 0);
  }

  close(): ClientFigures {
    for (const fresh of this.#fresh) fresh.lookUntil(nowNanos());
    const sum = sumOfBooks(this.#books.map((books) => books.close(this.#feed.messages)));
    return {
      subscribers: this.#books.length,
      expected: this.#feed.messages * this.#books.length,
      read: sum.received,
      told: sum.announced,
      missing: sum.missing,
      undelivered: sum.undelivered,
      duplicated: sum.duplicated,
      reordered: sum.reordered,
      falselyTold: sum.falselyAnnounced,
      trimmed: this.#trimmed,
      unknownLosses: this.#unknownLosses,
      garbled: this.#garbled,
      comebacks: this.#comebacks,
      over: this.#over,
      ...(this.#overFirst === undefined ? {} : { overFirst: this.#overFirst }),
      age: this.#age.data(),
      outOfDate: this.#outOfDate.data(),
      looks: this.#fresh[0]?.looks ?? 0,
    };
  }

  #message(payload: Uint8Array, books: SubscriberBooks, fresh: Freshness | undefined): void {
    const sequence = payload.length < SMALLEST_PAYLOAD ? Number.NaN : sequenceOf(payload);
    if (sequence === WARM_UP) {
      books.message(WARM_UP);
      return;
    }
    const index = this.#feed.indexOf(sequence);
    if (index === undefined || fresh === undefined) {
      this.#garbled++;
      return;
    }
    const now = nowNanos();
    fresh.read(index, now);
    if (books.message(index) !== "duplicate") this.#age.recordNanos(now - intendedNanosOf(payload));
  }
}
