/** The verdict as text. Pure. @module */
import type { Latency } from "./latency.ts";
import { FROZEN_CLIENT, FROZEN_OVERFLOW, FROZEN_QUEUE } from "./plan.ts";
import { duration, kibibytes, type Paint, whole } from "./text.ts";
import { describeBooks, type Evidence, type Verdict } from "./verdict.ts";

export function summarize(evidence: Evidence, verdict: Verdict, paint: Paint): string {
  const title = (text: string): string => paint("bold", text);
  return [
    "",
    title(
      `Latency of the ${evidence.post.length} healthy clients, from when a message was due to its arrival`,
    ),
    ...latencyLines(verdict),
    "",
    title(`What client ${FROZEN_CLIENT} lost, and how it was told`),
    ...lossLines(evidence, verdict),
    "",
    title("The server's books"),
    ...bookLines(evidence),
    "",
    ...checkLines(verdict, paint),
  ].join("\n");
}

function latencyLines({ trials }: Verdict): string[] {
  return trials.flatMap((trial, index) => {
    const { latency, control } = trial;
    if (index < trials.length - 1) {
      return [
        `  One freeze does not count: the p99 between two idle processes was ${control.before.p99.toFixed(2)} ms before it and ` +
          `${control.frozen.p99.toFixed(2)} ms`,
        `  during it, so this machine was disturbed. The clients': ${latency.before.p99.toFixed(2)} ms, ${latency.frozen.p99.toFixed(2)} ms.`,
      ];
    }
    return [
      `  ${"".padEnd(34)}${["messages", "p50", "p99", "max"].map((name) => name.padStart(11)).join("")}`,
      latencyLine("before", latency.before),
      latencyLine(`while client ${FROZEN_CLIENT} was frozen`, latency.frozen),
      ratioLine("ratio", latency.before, latency.frozen),
      ratioLine("ratio between two idle processes", control.before, control.frozen),
    ];
  });
}

function latencyLine(name: string, { count, p50, p99, max }: Latency): string {
  const cells = [whole(count), ...[p50, p99, max].map((ms) => `${ms.toFixed(2)} ms`)];
  return `  ${name.padEnd(34)}${cells.map((cell) => cell.padStart(11)).join("")}`;
}

function ratioLine(name: string, before: Latency, frozen: Latency): string {
  const cells = [
    "",
    ...(["p50", "p99", "max"] as const).map((which) => `${(frozen[which] / before[which]).toFixed(2)} x`),
  ];
  return `  ${name.padEnd(34)}${cells.map((cell) => cell.padStart(11)).join("")}`;
}

/** Beyond these, notices are counted rather than listed. */
const NOTICES_SHOWN = 5;

function lossLines({ offsets, full, trials }: Evidence, { loss }: Verdict): string[] {
  const { books } = full;
  const bound = `${FROZEN_QUEUE.messages} messages or ${kibibytes(FROZEN_QUEUE.bytes)}`;
  const shown = loss.gaps.slice(0, NOTICES_SHOWN).map(({ from, to, count, reason }) => {
    return `  notice: ${count === undefined ? "?" : whole(count)} messages lost between offsets ${from} and ${to}, reason ${reason}`;
  });
  const more = loss.gaps.length - shown.length;
  return [
    `  frozen for ${trials.map(({ frozenMs }) => duration(frozenMs)).join(" and ")}, ${FROZEN_OVERFLOW}, queue bound ${bound}` +
      (books === undefined
        ? ""
        : ` (peak ${books.peakQueued} messages, ${kibibytes(books.peakQueuedBytes)})`),
    `  ${whole(offsets.length)} published = ${whole(loss.received)} received + ${whole(loss.lost)} lost`,
    ...shown,
    ...(more > 0 ? [`  and ${more} notices more`] : []),
  ];
}

function bookLines({ post, full, hub }: Evidence): string[] {
  const healthy = new Set(post.map(({ books }) => (books === undefined ? "no books" : describeBooks(books))));
  return [
    ...[...healthy].map((books) => `  ${"each healthy client".padEnd(22)}${books}`),
    `  ${`client ${FROZEN_CLIENT}`.padEnd(22)}${full.books === undefined ? "no books" : describeBooks(full.books)}`,
    `  ${"the whole hub".padEnd(22)}${describeBooks(hub)}`,
  ];
}

function checkLines({ checks }: Verdict, paint: Paint): string[] {
  return checks.map(({ claim, failures: [first, ...more] }) => {
    if (first === undefined) return `${paint("green", "ok")}      ${claim}`;
    const rest = more.length === 0 ? "" : ` (and ${more.length} more like it)`;
    return `${paint("red", "FAILED")}  ${claim}: ${first}${rest}`;
  });
}
