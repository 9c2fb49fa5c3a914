/** What `spillway ls` shows of subscriptions. @module */
import type { SubscriptionReport } from "../transport/grpc/client/index.ts";
import { type Column, printable, tableLines } from "./table.ts";
import { shortBytes, shortCount, shortRate, shortTime } from "./units.ts";

/** As many characters of an id as tell nearly any two apart. */
const ID_LENGTH = 8;

const NONE = "-";

/** Widest column of each text that a stranger chose. */
const MOST = { client: 24, class: 16, topics: 32, from: 24 } as const;

type ReportColumn = Column<SubscriptionReport>;

const right = (title: string, value: ReportColumn["value"]): ReportColumn => ({
  title,
  value,
  align: "right",
});

const RATES: readonly ReportColumn[] = [
  right("IN/S", ({ rates }) => (rates === undefined ? NONE : shortRate(rates.matched))),
  right("OUT/S", ({ rates }) => (rates === undefined ? NONE : shortRate(rates.delivered))),
  right("LOST/S", ({ rates }) => (rates === undefined ? NONE : shortRate(rates.lost))),
];

/** A line of titles, and one for each subscription, in the order given. */
export function subscriptionTable(reports: readonly SubscriptionReport[]): readonly string[] {
  const columns: readonly ReportColumn[] = [
    { title: "ID", value: ({ id }) => id.slice(0, ID_LENGTH) },
    { title: "HEALTH", value: ({ health }) => health },
    { title: "STATE", value: ({ state }) => state },
    { title: "CLIENT", value: ({ clientName }) => clientName ?? NONE, most: MOST.client },
    // Where nobody has a class, none is looked for.
    ...(reports.some((report) => report.class !== undefined)
      ? [{ title: "CLASS", value: (report: SubscriptionReport) => report.class ?? NONE, most: MOST.class }]
      : []),
    {
      title: "POLICY",
      value: ({ overflow, rung }) => (rung === 0 ? overflow : `${overflow} (rung ${rung})`),
    },
    right("QUEUE", ({ queued }) => shortCount(queued)),
    right("FULL", (report) => `${Math.floor(100 * fullness(report))}%`),
    right("LAG", ({ lagMs }) => shortTime(lagMs)),
    right("WRITE", ({ writeAgeMs }) => (writeAgeMs === undefined ? NONE : shortTime(writeAgeMs))),
    ...(reports.some(({ rates }) => rates !== undefined) ? RATES : []),
    right("LOST", (report) => shortCount(lostBy(report))),
    { title: "TOPICS", value: ({ patterns }) => patterns.join(","), most: MOST.topics },
    { title: "FROM", value: ({ peer }) => peer ?? NONE, most: MOST.from },
  ];
  return tableLines(columns, reports);
}

/** Of its queue, from 0 to 1: by messages or by bytes, whatever is nearer to the bound. */
function fullness({ queued, queuedBytes, capacity }: SubscriptionReport): number {
  return Math.max(queued / capacity.messages, queuedBytes / capacity.bytes);
}

function lostBy({ dropped, expired }: SubscriptionReport): number {
  return Object.values(dropped).reduce((sum, count) => sum + count, expired);
}

/** Everything that is known of one. */
export function describeSubscription(report: SubscriptionReport): readonly string[] {
  const { capacity, dropped, rates, position, inFlight, writeAgeMs } = report;
  const lines: readonly (readonly [name: string, text: string])[] = [
    ["id", report.id],
    ["client", report.clientName ?? NONE],
    ["identity", report.identity ?? NONE],
    ["class", report.class ?? NONE],
    ["labels", listed(Object.entries(report.labels).map(([name, value]) => `${name}=${value}`))],
    ["topics", listed(report.patterns)],
    ["from", report.peer ?? NONE],
    ["since", new Date(report.startedAtMs).toISOString()],
    ["health", report.health],
    ["state", report.state],
    [
      "policy",
      `${report.overflow}, ${report.rung === 0 ? "on no rung" : `on rung ${report.rung}`} of the escalation`,
    ],
    [
      "queue",
      `${report.queued} of ${capacity.messages} messages, ${shortBytes(report.queuedBytes)} of ${shortBytes(capacity.bytes)}`,
    ],
    ["peak", `${report.peakQueued} messages, ${shortBytes(report.peakQueuedBytes)}`],
    ["lag", shortTime(report.lagMs)],
    [
      "in flight",
      writeAgeMs === undefined
        ? "nothing"
        : `${inFlight} messages, ${shortBytes(report.inFlightBytes)}, for ${shortTime(writeAgeMs)}`,
    ],
    ["stalls", String(report.stalls)],
    ["matched", `${report.matched} messages`],
    [
      "delivered",
      `${report.delivered} messages, ${shortBytes(report.deliveredBytes)}, in ${report.batches} writes`,
    ],
    ["replayed", `${report.replayed} messages`],
    ["lost", describeLosses(dropped, report.expired)],
    ["gap notices", String(report.gaps)],
    ["conflated", `${report.conflated} messages`],
    ["position", `${position.epoch}:${position.offset}`],
    ...(rates === undefined
      ? []
      : [
          [
            "rates",
            `${shortRate(rates.matched)} in, ${shortRate(rates.delivered)} out, ${shortRate(rates.lost)} lost, ` +
              `${shortRate(rates.conflated)} conflated a second, over ${shortTime(rates.windowMs)}`,
          ] as const,
        ]),
  ];
  return keyedLines(lines);
}

/** `12 messages (10 overflow, 2 expired)`. */
export function describeLosses(dropped: SubscriptionReport["dropped"], expired: number): string {
  const reasons = Object.entries({ ...dropped, expired }).filter(([, count]) => count > 0);
  const total = reasons.reduce((sum, [, count]) => sum + count, 0);
  const why = reasons.map(([reason, count]) => `${count} ${reason}`).join(", ");
  return why === "" ? `${total} messages` : `${total} messages (${why})`;
}

/** A line for each, with the texts below one another. */
export function keyedLines(lines: readonly (readonly [name: string, text: string])[]): readonly string[] {
  const widest = Math.max(...lines.map(([name]) => name.length));
  return lines.map(([name, text]) => `${name.padEnd(widest)}  ${printable(text)}`);
}

function listed(texts: readonly string[]): string {
  return texts.length === 0 ? NONE : texts.join(", ");
}
