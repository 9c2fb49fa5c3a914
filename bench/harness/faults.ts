/**
 * Judges a trial: whether its figures mean anything, and whether the system kept to what every system must do.
 *
 * Messages that are missing without a word are a fault of Spillway alone, which promises to tell; others are shown with
 * what they lost. Nor does a schedule that was late spoil anything: latency counts from when a message was due.
 *
 * @module
 */
import type { SystemKind } from "../system.ts";
import { type ClosedBooks, sumOfBooks } from "./books.ts";
import type { ClientReport } from "./messages.ts";
import type { Reports } from "./outcome.ts";
import type { CellPlan } from "./plan.ts";
import type { ProblemKind } from "./problem.ts";

export interface Fault {
  readonly kind: ProblemKind;
  readonly text: string;
}

export function faults({ plan, kind, schedule, server, healthy, companions }: Reports): readonly Fault[] {
  const witnesses = companions.filter((companion) => companion.plan.witness === true);
  const expected = schedule.messages * plan.trial.healthy.count;
  const books = sumOfBooks(healthy.map((report) => report.books));
  const texts = [
    ...unbalanced(books, expected),
    ...bookFaults("healthy subscribers", healthy, plan, kind),
    ...witnesses.flatMap(({ plan: { name }, report }) => bookFaults(name, [report], plan, kind)),
    ...unexpectedEnds(plan, healthy),
    ...(server.counters?.balanced === false ? ["the books of the server do not balance"] : []),
  ];
  return texts.map((text) => ({ kind: "system", text }));
}

function unbalanced(books: ClosedBooks, expected: number): string[] {
  const { received, announced, missing, undelivered } = books;
  const sum = received + announced + missing + undelivered;
  if (sum === expected) return [];
  return [`the books do not balance: ${expected} messages expected, ${sum} found`];
}

function bookFaults(
  who: string,
  reports: readonly ClientReport[],
  { trial: { conflates = false } }: CellPlan,
  kind: SystemKind,
): string[] {
  const books = sumOfBooks(reports.map((report) => report.books));
  const garbled = reports.reduce((sum, report) => sum + report.garbled, 0);
  const ours = kind === "ours";
  return [
    told(garbled, who, "got", "that were never published like that"),
    told(books.duplicated, who, "got", "twice"),
    told(conflates ? 0 : books.reordered, who, "got", "out of order"),
    told(books.falselyAnnounced, who, "were told of", "lost that were not"),
    told(ours ? books.missing : 0, who, "missed", "without being told"),
    told(
      ours && !conflates ? books.announcedLate : 0,
      who,
      "were told of",
      "lost only after later ones had come",
    ),
  ].filter((text) => text !== undefined);
}

function told(count: number, who: string, verb: string, what: string): string | undefined {
  return count === 0 ? undefined : `${who} ${verb} ${count} message${count === 1 ? "" : "s"} ${what}`;
}

function unexpectedEnds(
  { trial: { endsSubscribers = false } }: CellPlan,
  healthy: readonly ClientReport[],
): string[] {
  const ended = healthy.reduce((sum, report) => sum + report.ended, 0);
  if (ended === 0 || endsSubscribers) return [];
  const first = healthy.find(({ endedFirst }) => endedFirst !== undefined)?.endedFirst;
  return [`${ended} healthy subscriptions were ended: ${first}`];
}
