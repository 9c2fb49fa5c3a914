/**
 * Figures that only some scenarios have, by name with the unit in it.
 *
 * @module
 */
import type { TimelinePoint } from "../results.ts";
import { sumOfBooks } from "./books.ts";
import { merged } from "./histogram.ts";
import type { ClientReport } from "./messages.ts";
import type { Reports } from "./outcome.ts";
import type { FigureName } from "./plan.ts";

type Figures = Readonly<Record<string, number>>;

export function figuresOf(reports: Reports, timeline: readonly TimelinePoint[]): Figures {
  const { plan, healthy, companions } = reports;
  const all = [...healthy, ...companions.map(({ report }) => report)];
  const wanted = plan.trial.figures ?? [];
  return {
    // Of everyone who reads: what the server's CPU time is divided by.
    deliveries: all.reduce((sum, { deliveries }) => sum + deliveries, 0),
    ...witnesses(reports),
    ...sumOfExtra(all),
    ...Object.assign({}, ...wanted.map((name) => FIGURES[name](reports, timeline))),
    ...plan.trial.constants,
  };
}

const FIGURES: Readonly<
  Record<FigureName, (reports: Reports, timeline: readonly TimelinePoint[]) => Figures>
> = {
  memory({ plan: { load, trial }, marks }) {
    const [started, subscribed, warmedUp] = marks;
    // What waits for stalled ones after the warm-up is not what an idle one costs.
    const idle = load.slow === 0 ? warmedUp : subscribed;
    const everyone =
      trial.healthy.count + trial.companions.reduce((sum, one) => sum + one.subscribers.count, 0);
    const held =
      warmedUp!.heapBytes + warmedUp!.bufferBytes - subscribed!.heapBytes - subscribed!.bufferBytes;
    return {
      idleHeapBytes: (idle!.heapBytes - started!.heapBytes) / everyone,
      ...(load.slow === 0 ? {} : { stalledHeapBytes: held / load.slow }),
    };
  },

  staleness({ healthy }) {
    const received = merged(healthy.map(({ latency }) => latency));
    return {
      ...(received.count === 0 ? {} : { stalenessP99Ms: received.micros(0.99) / 1_000 }),
      lossNotices: healthy.reduce((sum, { notices }) => sum + notices, 0),
    };
  },

  recovery({ plan, events, healthy, companions }) {
    const continued = events.find(({ what }) => what === "continued")?.atMs;
    if (continued !== undefined) {
      return {
        recoveredAfterMs: lastLateMs(
          companions.map(({ report }) => report),
          continued,
        ),
      };
    }
    const [before, burst] = plan.trial.phases ?? [];
    if (before === undefined || burst === undefined) return {};
    const overMs = (before.seconds + burst.seconds) * 1_000;
    return { recoveredAfterMs: lastLateMs(healthy, overMs) };
  },

  trend(_reports, timeline) {
    const quarter = Math.floor(timeline.length / 4);
    const [first, last] = [timeline.slice(0, quarter), timeline.slice(-quarter)];
    const [early, late] = [meanOf(first, "p99"), meanOf(last, "p99")];
    return {
      heapSlopeKBPerMinute: slopePerMinute(timeline, "heapBytes") / 1_000,
      rssSlopeKBPerMinute: slopePerMinute(timeline, "rssBytes") / 1_000,
      ...(early > 0 ? { p99DriftRatio: late / early } : {}),
    };
  },
};

/** How long after that time the last message came that was late, or until the end where some never came; 0 when none was. */
function lastLateMs(reports: readonly ClientReport[], afterMs: number): number {
  return Math.max(0, ...reports.map(({ lastLateAtMs = 0 }) => lastLateAtMs - afterMs));
}

function witnesses({ companions }: Reports): Figures {
  const reports = companions.filter(({ plan }) => plan.witness === true).map(({ report }) => report);
  if (reports.length === 0) return {};
  const books = sumOfBooks(reports.map((report) => report.books));
  return {
    companionReceived: books.received,
    companionAnnounced: books.announced,
    companionMissing: books.missing,
    companionUndelivered: books.undelivered,
  };
}

function sumOfExtra(reports: readonly ClientReport[]): Figures {
  const sum: Record<string, number> = {};
  for (const { extra = {} } of reports) {
    for (const [name, value] of Object.entries(extra)) sum[name] = (sum[name] ?? 0) + value;
  }
  return sum;
}

type Course = "p99" | "heapBytes" | "rssBytes";

function meanOf(points: readonly TimelinePoint[], course: Course): number {
  const values = points.flatMap((point) => point[course] ?? []);
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

/** By least squares, without the first tenth, in which everything settles. */
function slopePerMinute(timeline: readonly TimelinePoint[], course: Course): number {
  const points = timeline
    .slice(Math.ceil(timeline.length / 10))
    .flatMap((point) => (point[course] === undefined ? [] : [{ x: point.atMs / 60_000, y: point[course] }]));
  const mean = (of: (point: { x: number; y: number }) => number) =>
    points.reduce((sum, point) => sum + of(point), 0) / Math.max(1, points.length);
  const [meanX, meanY] = [mean(({ x }) => x), mean(({ y }) => y)];
  const spread = mean(({ x }) => (x - meanX) ** 2);
  return spread === 0 ? 0 : mean(({ x, y }) => (x - meanX) * (y - meanY)) / spread;
}
