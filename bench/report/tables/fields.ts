/** The columns that tables of cells are put together from. @module */
import { companyOf } from "../cells.ts";
import { isCensored, validTrials } from "../statistics.ts";
import type { Summary } from "../summary.ts";
import type { Field, Mark } from "../table.ts";
import * as text from "../text.ts";

/** Something of a cell without a trial that counts is not nothing: it is not known. */
function measured(of: (summary: Summary) => string): (summary: Summary) => string {
  return (summary) => (summary.counted === 0 ? text.NOTHING : of(summary));
}

function when<T>(value: T | undefined, as: (value: T) => string): string {
  return value === undefined ? text.NOTHING : as(value);
}

function right(title: string, of: (summary: Summary) => string, keep?: number): Field<Summary> {
  return { title, align: "right", of: measured(of), ...(keep !== undefined && { keep }) };
}

/** The time of a quantile; with `≥` where it is only how long was waited for what never came. */
function waited(of: (summary: Summary) => number | undefined, q: number): (summary: Summary) => string {
  return (summary) => {
    const micros = of(summary);
    return text.atLeast(
      text.milliseconds(micros),
      micros !== undefined && isCensored(validTrials(summary.cell), q),
    );
  };
}

function set(
  title: string,
  of: (summary: Summary) => string,
  align: "left" | "right" = "right",
): Field<Summary> {
  return { title, align, of };
}

export const FIELD = {
  system: set("system", ({ cell }) => cell.system, "left"),
  policy: set("policy", ({ cell }) => cell.variant ?? text.NOTHING, "left"),
  healthy: set("healthy", ({ cell }) => text.whole(cell.load.healthy)),
  slow: set("slow (kind)", ({ cell }) => companyOf(cell), "left"),
  payload: set("payload", ({ cell }) => text.size(cell.load.payloadBytes)),
  rate: set("offered/s", ({ cell }) => text.whole(cell.load.rate)),
  burst: set("burst", ({ cell }) => text.whole(cell.load.burst)),
  perConnection: set("per connection", ({ cell }) => when(cell.load.perConnection, text.whole)),
  delivered: right("delivered %", ({ received, expected }) => text.percent(received, expected)),
  p50: right(
    "p50 ms",
    waited(({ p50 }) => p50, 0.5),
    70,
  ),
  p99: right(
    "p99 ms",
    waited(({ p99 }) => p99, 0.99),
  ),
  p999: right(
    "p99.9 ms",
    waited(({ p999 }) => p999, 0.999),
    50,
  ),
  max: right(
    "max ms",
    waited(({ max }) => max, 1),
    60,
  ),
  tax: right("tax p99 × [95 % CI]", ({ comparison }) =>
    when(comparison, ({ ratio, interval, atLeast }) =>
      `${text.atLeast(text.ratio(ratio), atLeast)} ${atLeast ? "never delivered" : text.interval(interval)}`.trimEnd(),
    ),
  ),
  cpu: right("CPU µs per delivery", ({ cpu }) => when(cpu, ({ median }) => text.number(median)), 90),
  publish: right("publish() p99 ms", ({ publishP99 }) => text.milliseconds(publishP99), 55),
  lateness: right("schedule late p99 ms", ({ latenessP99 }) => text.milliseconds(latenessP99), 20),
  loop: right("loop delay p99 ms", ({ loopP99 }) => text.milliseconds(loopP99), 30),
  rss: right("RSS Δ MB", ({ rssRise }) => when(rssRise, text.megabytes), 65),
  heap: right("heap Δ MB", ({ heapRise }) => when(heapRise, text.megabytes), 40),
  dropped: right("dropped", ({ dropped }) => when(dropped, text.whole), 80),
  conflated: right("conflated", ({ conflated }) => when(conflated, text.whole), 35),
  evicted: right("evicted", ({ evicted }) => when(evicted, text.whole), 58),
  told: right("told lost", ({ told }) => text.whole(told), 34),
  missing: right("lost untold", ({ missing }) => text.whole(missing), 33),
  undelivered: right("not there in the end", ({ undelivered }) => text.whole(undelivered), 32),
  remark: { title: "remark", align: "left", of: remarkOf, below: true },
} as const;

export function extraField(name: string): Field<Summary> {
  return right(text.words(name), ({ extra }) => when(extra.get(name), text.number), 45);
}

/** Why a row has less than the others. */
function remarkOf({ cell, counted, comparison }: Summary): string {
  if (cell.unavailable !== undefined) return `could not run: ${cell.unavailable}`;
  if (cell.trials.length === 0) return "was not run";
  const invalid = cell.trials.length - counted;
  const remarks = invalid > 0 ? [`${invalid} of ${cell.trials.length} trials do not count`] : [];
  if (comparison?.why !== undefined && counted > 0) remarks.push(comparison.why);
  return remarks.join("; ");
}

/** Red: nothing of it counts, or healthy subscribers missed messages. Yellow: some of it does not count. */
export function markOf({ cell, counted, received, expected }: Summary): Mark | undefined {
  if (cell.unavailable !== undefined) return "weak";
  if (counted === 0 || received < 0.99 * expected) return "bad";
  return counted < cell.trials.length ? "weak" : undefined;
}
