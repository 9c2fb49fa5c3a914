import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type ClosedBooks, SubscriberBooks, sumOfBooks } from "../../../bench/harness/books.ts";
import { WARM_UP } from "../../../bench/harness/stamp.ts";
import { runs } from "../../support/property.ts";

const CLEAN: ClosedBooks = {
  received: 0,
  announced: 0,
  missing: 0,
  undelivered: 0,
  duplicated: 0,
  reordered: 0,
  announcedLate: 0,
  falselyAnnounced: 0,
};

function begun(warmUp = 0): SubscriberBooks {
  const books = new SubscriberBooks();
  books.begin(warmUp);
  return books;
}

/** What becomes of one message on its way to a subscriber. */
type Fate = "received" | "announced" | "silent";
const fates = fc.array(fc.constantFrom<Fate>("received", "received", "received", "announced", "silent"), {
  maxLength: 60,
});

describe("the books of a subscriber", () => {
  it("put every message in one place, whatever becomes of it on an ordered way", () => {
    fc.assert(
      fc.property(fates, fc.nat({ max: 8 }), (each, cut) => {
        const books = begun();
        let told = 0;
        const lastReceived = each.lastIndexOf("received");
        // What nothing follows is told in the end, or not at all, if the trial was over first.
        const tellsTail = cut % 2 === 0;
        each.forEach((fate, sequence) => {
          if (fate === "announced") told++;
          if (fate === "received") {
            if (told > 0) books.lost(told);
            told = 0;
            books.message(sequence);
          }
        });
        if (told > 0 && tellsTail) books.lost(told);
        const before = each.slice(0, lastReceived + 1);
        const tail = each.slice(lastReceived + 1);
        const count = (of: readonly Fate[], wanted: Fate) => of.filter((fate) => fate === wanted).length;
        const toldInTail = tellsTail ? count(tail, "announced") : 0;
        assert.deepEqual(books.close(each.length), {
          ...CLEAN,
          received: count(each, "received"),
          announced: count(before, "announced") + toldInTail,
          missing: count(before, "silent"),
          undelivered: tail.length - toldInTail,
        });
      }),
      runs(500),
    );
  });

  it("add up to what was published, in whatever order things come and whatever is said about them", () => {
    const event = fc.oneof(
      fc.nat({ max: 19 }).map((sequence) => ({ sequence })),
      fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }).map((lost) => ({ lost })),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        const books = begun();
        const seen = new Set<number>();
        let duplicated = 0;
        for (const event of events) {
          if ("lost" in event) books.lost(event.lost);
          else {
            duplicated += seen.has(event.sequence) ? 1 : 0;
            books.message(event.sequence);
            seen.add(event.sequence);
          }
        }
        const closed = books.close(20);
        assert.equal(closed.received, seen.size);
        assert.equal(closed.duplicated, duplicated);
        assert.equal(closed.received + closed.announced + closed.missing + closed.undelivered, 20);
        for (const value of Object.values(closed)) assert.ok(value >= 0, JSON.stringify(closed));
      }),
      runs(1_000),
    );
  });

  it("tell a loss that was announced too late from one that was announced in time", () => {
    const books = begun();
    books.message(0);
    books.message(2);
    books.lost(1);
    assert.deepEqual(books.close(3), { ...CLEAN, received: 2, announced: 1, announcedLate: 1 });
  });

  it("know a message that comes after the one behind it", () => {
    const books = begun();
    for (const sequence of [0, 2, 1, 3]) books.message(sequence);
    assert.deepEqual(books.close(4), { ...CLEAN, received: 4, reordered: 1 });
  });

  it("do not believe in a loss that has come after all", () => {
    const books = begun();
    books.message(0);
    books.lost(1);
    for (const sequence of [2, 1]) books.message(sequence);
    assert.deepEqual(books.close(3), { ...CLEAN, received: 3, reordered: 1, falselyAnnounced: 1 });
  });

  it("take a loss of unknown size for whatever is missing at that place, and nowhere else", () => {
    const books = begun();
    books.message(0);
    books.lost(undefined);
    books.message(5);
    books.message(7);
    assert.deepEqual(books.close(8), { ...CLEAN, received: 3, announced: 4, missing: 1 });
  });

  it("forgive what is told in the measured time about the warm-up, and no more than that", () => {
    const books = new SubscriberBooks();
    for (let sent = 0; sent < 6; sent++) books.message(WARM_UP);
    books.lost(1);
    books.begin(10);
    // Three of the warm-up are left, and 0 and 1 are lost.
    books.lost(5);
    books.message(2);
    assert.deepEqual(books.close(3), { ...CLEAN, received: 1, announced: 2 });

    const lied = begun(2);
    lied.lost(3);
    lied.message(0);
    assert.deepEqual(lied.close(1), { ...CLEAN, received: 1, falselyAnnounced: 1 });
  });

  it("forgive nothing to those who had all of the warm-up", () => {
    const books = new SubscriberBooks();
    books.message(WARM_UP);
    books.begin(1);
    books.lost(1);
    books.message(0);
    assert.equal(books.close(1).falselyAnnounced, 1);
  });

  it("of several subscribers are summed, place by place", () => {
    const one = { ...CLEAN, received: 3, missing: 1 };
    const other = { ...CLEAN, received: 2, falselyAnnounced: 2 };
    assert.deepEqual(sumOfBooks([one, other]), { ...CLEAN, received: 5, missing: 1, falselyAnnounced: 2 });
    assert.deepEqual(sumOfBooks([]), CLEAN);
  });
});
