/**
 * Makes a trial of what its processes reported: sums, figures, and a judgement.
 *
 * @module
 */
import type { ClientBooks, TimelinePoint, Trial } from "../results.ts";
import type { SystemKind } from "../system.ts";
import { sumOfBooks } from "./books.ts";
import { type Fault, faults } from "./faults.ts";
import { figuresOf } from "./figures.ts";
import { merged } from "./histogram.ts";
import type { ClientReport, MemoryMark, ServerMeasurements } from "./messages.ts";
import type { CellPlan, Companion } from "./plan.ts";
import type { Schedule } from "./schedule.ts";
import { mergedSpans } from "./spans.ts";

export interface CompanionReport {
  readonly plan: Companion;
  readonly report: ClientReport;
}

/** Everything that is known when a trial is over. */
export interface Reports {
  readonly plan: CellPlan;
  readonly kind: SystemKind;
  readonly block: number;
  readonly schedule: Schedule;
  readonly server: ServerMeasurements;
  readonly healthy: readonly ClientReport[];
  /** Of those who can answer. */
  readonly companions: readonly CompanionReport[];
  readonly events: readonly { readonly atMs: number; readonly what: string }[];
  readonly marks: readonly MemoryMark[];
}

export interface TrialOutcome {
  readonly trial: Trial;
  readonly faults: readonly Fault[];
}

export function outcome(reports: Reports): TrialOutcome {
  const { block, server, healthy, events } = reports;
  const found = faults(reports);
  const points = timeline(reports);
  const { balanced: _, ...counters } = server.counters ?? { balanced: undefined };
  const trial: Trial = {
    block,
    problems: found.map(({ text }) => text),
    books: booksOf(reports),
    latency: merged(healthy.flatMap(({ latency, absent }) => [latency, absent])).data(),
    publish: server.publish,
    lateness: server.lateness,
    loopDelay: server.loopDelay,
    cpuMicros: server.cpuMicros,
    seconds: server.seconds,
    rssBytes: server.rssBytes,
    heapBytes: server.heapBytes,
    ...("dropped" in counters ? { counters } : {}),
    timeline: points,
    ...(events.length > 0 ? { events } : {}),
    extra: figuresOf(reports, points),
  };
  return { trial, faults: found };
}

function booksOf({ plan, schedule, healthy }: Reports): ClientBooks {
  const sum = sumOfBooks(healthy.map(({ books }) => books));
  const { received, announced, missing, undelivered, duplicated, reordered } = sum;
  return {
    published: schedule.messages,
    expected: schedule.messages * plan.trial.healthy.count,
    received,
    announced,
    missing,
    undelivered,
    duplicated,
    reordered,
  };
}

function timeline({ plan, server, healthy }: Reports): TimelinePoint[] {
  const { spanMs = 100 } = plan.trial;
  const spans = mergedSpans(healthy.map((report) => report.spans));
  const length = Math.max(spans.length, server.memory.length);
  return Array.from({ length }, (_, index) => {
    const span = spans[index];
    const memory = server.memory[index];
    return {
      atMs: index * spanMs,
      ...(span === undefined || span.count === 0
        ? {}
        : { p50: span.micros(0.5), p99: span.micros(0.99), max: span.maxMicros }),
      ...(memory === undefined ? {} : { rssBytes: memory.rssBytes, heapBytes: memory.heapBytes }),
    };
  });
}
