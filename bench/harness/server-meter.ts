/**
 * What a server costs: CPU time, memory and the delay of its event loop, from when the meter is made until it is stopped.
 *
 * Processes that a system has beside this one count as its own.
 *
 * @module
 */
import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";
import type { RunningServer, ServerCounters } from "../system.ts";
import { NANOS_PER_MS, NANOS_PER_SECOND, nowNanos } from "./clock.ts";
import { loopDelay } from "./histogram.ts";
import type { ServerMeasurements } from "./messages.ts";
import { cpuMicrosOf, residentBytesOf } from "./proc.ts";

export class ServerMeter {
  readonly #server: RunningServer;
  readonly #pids: readonly number[];
  readonly #resolutionMs: number;
  readonly #loop: IntervalHistogram;
  readonly #sampling: NodeJS.Timeout;
  readonly #memory: { atMs: number; rssBytes: number; heapBytes: number }[] = [];
  readonly #startNanos: number;
  readonly #cpuMicros: number;
  readonly #counters: ServerCounters | undefined;

  constructor(server: RunningServer, loopResolutionMs: number, sampleMs: number) {
    this.#server = server;
    this.#pids = server.pids ?? [];
    this.#resolutionMs = loopResolutionMs;
    this.#counters = server.counters?.();
    this.#startNanos = nowNanos();
    this.#sample();
    this.#sampling = setInterval(() => this.#sample(), sampleMs);
    this.#loop = monitorEventLoopDelay({ resolution: loopResolutionMs });
    this.#loop.enable();
    this.#cpuMicros = this.#cpu();
  }

  stop(): Omit<ServerMeasurements, "publish" | "lateness"> {
    const cpuMicros = this.#cpu() - this.#cpuMicros;
    const seconds = (nowNanos() - this.#startNanos) / NANOS_PER_SECOND;
    this.#loop.disable();
    clearInterval(this.#sampling);
    this.#sample();
    const first = this.#memory[0]!;
    const counters = this.#counted();
    return {
      cpuMicros,
      seconds,
      loopDelay: loopDelay(this.#loop, this.#resolutionMs).data(),
      rssBytes: { before: first.rssBytes, peak: Math.max(...this.#memory.map(({ rssBytes }) => rssBytes)) },
      heapBytes: {
        before: first.heapBytes,
        peak: Math.max(...this.#memory.map(({ heapBytes }) => heapBytes)),
      },
      memory: this.#memory,
      ...(counters === undefined ? {} : { counters }),
    };
  }

  #cpu(): number {
    const { user, system } = process.cpuUsage();
    return this.#pids.reduce((sum, pid) => sum + cpuMicrosOf(pid), user + system);
  }

  #sample(): void {
    this.#memory.push({
      atMs: (nowNanos() - this.#startNanos) / NANOS_PER_MS,
      rssBytes: this.#pids.reduce((sum, pid) => sum + residentBytesOf(pid), process.memoryUsage.rss()),
      heapBytes: process.memoryUsage().heapUsed,
    });
  }

  #counted(): ServerCounters | undefined {
    const after = this.#server.counters?.();
    const before = this.#counters;
    if (after === undefined || before === undefined) return undefined;
    return {
      ...after,
      dropped: after.dropped - before.dropped,
      conflated: after.conflated - before.conflated,
      evicted: after.evicted - before.evicted,
      writes: after.writes - before.writes,
    };
  }
}
