/**
 * Holds the journal of a client against what was published for it. Nothing here knows how the server works: only
 * what it promises.
 */
import assert from "node:assert/strict";
import type { Entry, GapEntry, MessageEntry } from "./journal.ts";

/** Every message, once, in order, and no word of a loss. */
export function assertComplete(journal: readonly Entry[], published: readonly MessageEntry[]): void {
  assert.deepEqual(lossesIn(journal), []);
  assert.deepEqual(messagesIn(journal), published);
}

/** The first so many, and no word of a loss. */
export function assertPrefix(journal: readonly Entry[], published: readonly MessageEntry[]): void {
  const messages = messagesIn(journal);
  assert.deepEqual(lossesIn(journal), []);
  assert.deepEqual(messages, published.slice(0, messages.length));
}

/**
 * What was read and what was announced as lost are together everything, and have nothing in common; every notice
 * stands before whatever follows the loss, behind whatever precedes it, and counts exactly.
 */
export function assertAccounted(journal: readonly Entry[], published: readonly MessageEntry[]): void {
  const byOffset = new Map(published.map((message) => [message.offset, message]));
  const told = new Map<number, "read" | "lost">();
  let behind = 0;
  const tell = (offset: number, how: "read" | "lost"): void => {
    assert.equal(told.get(offset), undefined, `offset ${offset} is told once`);
    told.set(offset, how);
  };
  for (const entry of journal) {
    if (entry.kind === "message") {
      assert.deepEqual(entry, byOffset.get(entry.offset), "what was read is what was published");
      assert.ok(entry.offset > behind, `offset ${entry.offset} comes behind ${behind}`);
      tell(entry.offset, "read");
      behind = entry.offset;
    } else if (entry.kind === "gap") {
      const lost = lostIn(entry, published);
      assert.equal(lost.at(-1)?.offset, entry.to, "the last offset of a notice was lost");
      const text = JSON.stringify(entry);
      if (entry.reason === "GAP_REASON_TRIMMED" || entry.reason === "trimmed") {
        // It begins behind what was read: which message was lost first is forgotten with it.
        assert.ok(lost[0] !== undefined && lost[0].offset >= entry.from, `something was lost in ${text}`);
      } else {
        assert.equal(lost[0]?.offset, entry.from, "the first offset of a notice was lost");
        assert.equal(entry.count, lost.length, `the count in ${text}`);
      }
      assert.ok(entry.from > behind, `the loss from ${entry.from} is told before what comes behind it`);
      for (const { offset } of lost) tell(offset, "lost");
    }
  }
  assert.deepEqual(
    published.filter(({ offset }) => !told.has(offset)),
    [],
    "nothing was lost in silence",
  );
  let next = Infinity;
  for (const entry of journal.toReversed()) {
    if (entry.kind === "message") next = entry.offset;
    else if (entry.kind === "gap")
      assert.ok(entry.to < next, `the loss up to ${entry.to} is told before ${next}`);
  }
}

/**
 * Of each key, values in order and the last one; what is missing was replaced, and is counted in the progress
 * frames, the last of which reaches the end.
 */
export function assertConflated(journal: readonly Entry[], published: readonly MessageEntry[]): void {
  assert.deepEqual(lossesIn(journal), []);
  const byOffset = new Map(published.map((message) => [message.offset, message]));
  const newest = new Map<string, number>();
  const messages = messagesIn(journal);
  for (const message of messages) {
    assert.deepEqual(message, byOffset.get(message.offset), "what was read is what was published");
    const id = identity(message);
    assert.ok(message.offset > (newest.get(id) ?? 0), `offset ${message.offset} of ${id} is newer`);
    newest.set(id, message.offset);
  }
  assert.deepEqual(
    newest,
    new Map(published.map((message) => [identity(message), message.offset])),
    "the last value of every key has come",
  );
  const progress = journal.filter((entry) => entry.kind === "progress");
  assert.equal(
    progress.reduce((sum, { conflated }) => sum + conflated, 0),
    published.length - messages.length,
    "what was replaced is counted",
  );
  for (const [index, { offset }] of progress.entries()) {
    assert.ok(offset >= (progress[index - 1]?.offset ?? 0), "progress goes on");
  }
}

/** Messages read, and messages told as lost or replaced: all there is to know, when it is as many as were published. */
export function accountedIn(journal: readonly Entry[]): number {
  let accounted = 0;
  for (const entry of journal) {
    if (entry.kind === "message") accounted++;
    else if (entry.kind === "gap") accounted += entry.count ?? 0;
    else if (entry.kind === "progress") accounted += entry.conflated;
  }
  return accounted;
}

export function messagesIn(journal: readonly Entry[]): readonly MessageEntry[] {
  return journal.filter((entry) => entry.kind === "message");
}

function lossesIn(journal: readonly Entry[]): readonly Entry[] {
  return journal.filter(({ kind }) => kind === "gap");
}

function lostIn({ topic, from, to }: GapEntry, published: readonly MessageEntry[]): readonly MessageEntry[] {
  return published.filter(
    (message) =>
      message.offset >= from && message.offset <= to && (topic === undefined || message.topic === topic),
  );
}

function identity({ topic, key, offset }: MessageEntry): string {
  return key === undefined ? String(offset) : `${topic} ${key}`;
}
