/** `spillway stats`. @module */
import { Command } from "commander";
import type { StatsReport } from "../transport/grpc/client/index.ts";
import { ANSWER_TIME, askOperator } from "./admin-call.ts";
import { DEFAULT_ADDRESS, duration, serverAddress } from "./arguments.ts";
import { Output } from "./output.ts";
import { describeLosses, keyedLines } from "./subscription-lines.ts";
import { shortBytes, shortRate, shortTime } from "./units.ts";

interface StatsFlags {
  readonly address: string;
  readonly window?: number;
  /** `--no-rates`. */
  readonly rates: boolean;
  readonly json?: true;
}

export function statsCommand(): Command {
  return new Command("stats")
    .summary("show the books of a server")
    .description(
      "Shows what a server has published and delivered since it started, what was lost and why, what waits now, and why " +
        "subscriptions ended.",
    )
    .option("-a, --address <host:port>", "the server", serverAddress, DEFAULT_ADDRESS)
    .option("-w, --window <time>", "how long to look for the rates, up to 60s (default: 1s)", duration)
    .option("--no-rates", "do not look for rates, and answer at once")
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      "\nExits with 1 if the server cannot be reached within 5 s, refuses, or has no admin service; 2 for a wrong\n" +
        "command line.",
    )
    .action((flags: StatsFlags) => stats(flags));
}

async function stats({ address, window, rates, json }: StatsFlags): Promise<void> {
  const windowMs = rates ? window : 0;
  const report = await askOperator(address, (admin) =>
    admin.stats({ ...(windowMs === undefined ? {} : { windowMs: Math.ceil(windowMs) }), ...ANSWER_TIME }),
  );
  const output = new Output(() => {});
  for (const line of json === true ? [JSON.stringify(report)] : describeStats(report))
    await output.line(line);
  await output.flush();
}

/** A line for each thing that an operator asks about. */
export function describeStats(report: StatsReport): readonly string[] {
  const { subscriptions, position, rates, dropped, expired } = report;
  const total = Object.values(subscriptions).reduce((sum, count) => sum + count, 0);
  return keyedLines([
    ["subscriptions", withParts(total, Object.entries(subscriptions))],
    ["slow", `${report.slow}, the greatest lag ${shortTime(report.worstLagMs)}`],
    ["evictions", describeBrake(report)],
    ["ended", withParts(sumOf(report.ended), Object.entries(report.ended))],
    ["refused", describeRefusals(report)],
    [
      "topics",
      `${report.topics}, ${report.retained.messages} messages retained, ${shortBytes(report.retained.bytes)}`,
    ],
    ["newest", `${position.epoch}:${position.offset}`],
    [
      "published",
      `${report.published} messages, ${shortBytes(report.publishedBytes)}${perSecond(rates?.published)}`,
    ],
    ["matched", `${report.matched} messages${perSecond(rates?.matched)}`],
    [
      "delivered",
      `${report.delivered} messages, ${shortBytes(report.deliveredBytes)}, in ${report.batches} writes${perSecond(rates?.delivered)}`,
    ],
    ["lost", `${describeLosses(dropped, expired)}${perSecond(rates?.lost)}`],
    ["conflated", `${report.conflated} messages${perSecond(rates?.conflated)}`],
    ["queued", `${report.queued} messages, ${shortBytes(report.queuedBytes)}`],
    ["in flight", `${report.inFlight} messages, ${shortBytes(report.inFlightBytes)}`],
    ["thrown away", `${report.discardedAtClose} messages, when their subscription ended`],
    ...(rates === undefined ? [] : [["rates", `over ${shortTime(rates.windowMs)}`] as const]),
  ]);
}

/** Whether slow subscribers are evicted because of time. */
function describeBrake({ brake, evictionsHeldBack }: StatsReport): string {
  if (brake === "off") return "go on";
  const how = brake === "paused" ? "paused: so many are slow that it is not their fault" : "a few at a time";
  return `${how}, ${evictionsHeldBack} held back`;
}

function describeRefusals({ refused: { subscriptions, publishes } }: StatsReport): string {
  const sum = (counts: Readonly<Record<string, number>>) => withParts(sumOf(counts), Object.entries(counts));
  return `${sum(subscriptions)} subscriptions, ${sum(publishes)} messages`;
}

/** `3 (2 live, 1 stalled)`. */
function withParts(total: number, parts: readonly (readonly [name: string, count: number])[]): string {
  const named = parts.filter(([, count]) => count > 0).map(([name, count]) => `${count} ${name}`);
  return named.length === 0 ? String(total) : `${total} (${named.join(", ")})`;
}

function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

function perSecond(rate: number | undefined): string {
  return rate === undefined ? "" : `, ${shortRate(rate)}/s now`;
}
