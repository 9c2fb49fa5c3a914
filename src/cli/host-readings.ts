/**
 * This machine's own readings: CPU, memory, load, and network counters where the system tells them.
 *
 * Shares and rates are taken between two calls, so the first call has none.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { type CpuInfo, cpus, freemem, loadavg, totalmem } from "node:os";

export interface Reading {
  readonly topic: "host.cpu" | "host.memory" | "host.load" | "host.network";
  /** Names the reading within its topic. */
  readonly key: string;
  readonly value: number;
  readonly unit: "percent" | "bytes" | "processes" | "bytes/s";
}

/** Counters of one network interface since it came up. */
export interface InterfaceCounters {
  readonly name: string;
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

export class HostReadings {
  #cpus = cpus();
  #network = readNetwork();
  #atMs: number | undefined;

  /** @param nowMs a clock that never goes back, in milliseconds */
  take(nowMs: number): Reading[] {
    const before = { cpus: this.#cpus, network: this.#network, atMs: this.#atMs };
    this.#cpus = cpus();
    this.#network = readNetwork();
    this.#atMs = nowMs;
    const seconds = before.atMs === undefined ? 0 : (nowMs - before.atMs) / 1000;
    return [
      ...cpuReadings(before.cpus, this.#cpus),
      ...memoryReadings(),
      ...loadReadings(),
      ...networkReadings(before.network, this.#network, seconds),
    ];
  }
}

/** One per core, `cpu0` and on, and `total`; nothing when the cores changed or no time passed. */
export function cpuReadings(before: readonly CpuInfo[], after: readonly CpuInfo[]): Reading[] {
  if (before.length !== after.length) return [];
  const cores = after.map((core, index) => {
    const was = before[index]?.times ?? core.times;
    const spent = sum(core.times) - sum(was);
    return { spent, busy: spent - (core.times.idle - was.idle) };
  });
  const total = cores.reduce((all, core) => ({ spent: all.spent + core.spent, busy: all.busy + core.busy }), {
    spent: 0,
    busy: 0,
  });
  if (total.spent <= 0) return [];
  return [...cores.map((core, index) => ({ key: `cpu${index}`, ...core })), { key: "total", ...total }].map(
    ({ key, spent, busy }) => ({
      topic: "host.cpu",
      key,
      value: spent <= 0 ? 0 : round(Math.min(100, Math.max(0, (busy / spent) * 100))),
      unit: "percent",
    }),
  );
}

function memoryReadings(): Reading[] {
  const total = totalmem();
  const free = freemem();
  const values = { total, free, used: total - free };
  return Object.entries(values).map(([key, value]) => ({ topic: "host.memory", key, value, unit: "bytes" }));
}

function loadReadings(): Reading[] {
  const averages = loadavg();
  return ["1m", "5m", "15m"].map((key, index) => ({
    topic: "host.load",
    key,
    value: round(averages[index] ?? 0),
    unit: "processes",
  }));
}

/** Per interface: the counters, and with `seconds` above 0 what they grew by per second. */
export function networkReadings(
  before: readonly InterfaceCounters[],
  after: readonly InterfaceCounters[],
  seconds: number,
): Reading[] {
  return after.flatMap((now) => {
    const was = before.find(({ name }) => name === now.name);
    const counters = { received: now.receivedBytes, sent: now.sentBytes };
    const readings: Reading[] = Object.entries(counters).map(([key, value]) => ({
      topic: "host.network",
      key: `${now.name}.${key}`,
      value,
      unit: "bytes",
    }));
    if (was === undefined || seconds <= 0) return readings;
    const grown = { received: now.receivedBytes - was.receivedBytes, sent: now.sentBytes - was.sentBytes };
    for (const [key, bytes] of Object.entries(grown)) {
      readings.push({
        topic: "host.network",
        key: `${now.name}.${key}-rate`,
        // An interface that was reset counts from 0 again.
        value: round(Math.max(0, bytes) / seconds),
        unit: "bytes/s",
      });
    }
    return readings;
  });
}

function readNetwork(): InterfaceCounters[] {
  try {
    return parseNetDev(readFileSync("/proc/net/dev", "utf8"));
  } catch {
    // Not a Linux.
    return [];
  }
}

/** Reads `/proc/net/dev`: two lines of headings, then `name: received-bytes (7 more) sent-bytes …`. */
export function parseNetDev(text: string): InterfaceCounters[] {
  return text.split("\n").flatMap((line) => {
    const [name, counters] = line.split(":");
    const fields = counters?.trim().split(/\s+/).map(Number) ?? [];
    const [receivedBytes, sentBytes] = [fields[0], fields[8]];
    if (name === undefined || receivedBytes === undefined || sentBytes === undefined) return [];
    return [{ name: name.trim(), receivedBytes, sentBytes }];
  });
}

function sum(times: CpuInfo["times"]): number {
  return times.user + times.nice + times.sys + times.idle + times.irq;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
