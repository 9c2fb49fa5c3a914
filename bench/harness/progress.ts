/**
 * Says how far a run is: one line that is written over on a terminal, a line per trial elsewhere.
 *
 * @module
 */
import logUpdate from "log-update";
import type { Trial } from "../results.ts";
import { merged } from "./histogram.ts";
import { type CellPlan, estimateSeconds } from "./plan.ts";
import type { TrialProgress } from "./run.ts";

export class Progress {
  readonly #stream: NodeJS.WriteStream;
  readonly #startedMs = performance.now();
  readonly #totalSeconds: number;
  #doneSeconds = 0;
  #last = "";

  constructor(plans: readonly CellPlan[], trials: number, stream: NodeJS.WriteStream = process.stderr) {
    this.#stream = stream;
    this.#totalSeconds = plans.reduce((sum, plan) => sum + estimateSeconds(plan), 0) * trials;
  }

  show({ plan, done, of, trial, unavailable }: TrialProgress): void {
    const ended = trial !== undefined || unavailable !== undefined;
    if (ended) {
      this.#doneSeconds += estimateSeconds(plan);
      this.#last = `${plan.id}: ${unavailable === undefined ? figures(trial!) : `unavailable, ${unavailable}`}`;
    }
    if (this.#stream.isTTY) this.#overwrite(ended ? undefined : plan.id, done, of);
    else if (ended) this.#stream.write(`[${done}/${of}] ${this.#last}\n`);
  }

  /** Leaves nothing of it on a terminal. */
  end(): void {
    if (this.#stream.isTTY) logUpdate.clear();
  }

  #overwrite(running: string | undefined, done: number, of: number): void {
    const head = `trial ${Math.min(done + 1, of)} of ${of} · ${this.#times()}`;
    logUpdate([head, ...(running === undefined ? [] : [`measuring ${running}`]), this.#last].join("\n"));
  }

  #times(): string {
    const elapsed = (performance.now() - this.#startedMs) / 1_000;
    const left = this.#totalSeconds - this.#doneSeconds;
    // The plan's own estimate, until there is something to correct it by.
    const pace = this.#doneSeconds > 0 ? elapsed / this.#doneSeconds : 1;
    return `${clock(elapsed)} elapsed, about ${clock(left * pace)} left`;
  }
}

/** `2:05` */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

function figures({ latency, books, problems, cpuMicros, extra, firstAttempt }: Trial): string {
  if (problems.length > 0) return `INVALID, ${problems.join("; ")}`;
  const p99 = latency.count === 0 ? "n/a" : `${(merged([latency]).micros(0.99) / 1_000).toFixed(1)} ms`;
  const delivered = ((100 * books.received) / books.expected).toFixed(1);
  const deliveries = extra?.deliveries ?? 0;
  return [
    `p99 ${p99}`,
    `${delivered} % delivered`,
    ...(deliveries > 0 ? [`${(cpuMicros / deliveries).toFixed(1)} µs CPU per delivery`] : []),
    ...(firstAttempt === undefined ? [] : ["second attempt"]),
  ].join(", ");
}
