/**
 * How the server treats a kind of clients, as the hub itself says it, in words.
 *
 * @module
 */
import { formatDuration, formatSize } from "../../../src/config/index.ts";
import type { HubConfig, Rung } from "../../../src/fanout/index.ts";
import type { ConfigLoad, Treatment } from "../../config-results.ts";
import { patternOf } from "./feeds.ts";
import type { Granted } from "./ledger.ts";
import { retentionOf, retentionText } from "./retained.ts";

export function treatmentOf(granted: Granted, hub: HubConfig, load: ConfigLoad): Treatment {
  const { class: className, topic, overflow, queue, escalation, stallTimeoutMs } = granted;
  const pattern = patternOf(Object.keys(hub.topics ?? {}), topic);
  const retention = retentionOf(hub, topic);
  const unreached = escalation.filter((rung) => !canHold(rung, stallTimeoutMs, load));
  return {
    ...(className === undefined ? {} : { class: className }),
    ...(pattern === undefined ? {} : { pattern }),
    overflow,
    ...(retention === undefined ? {} : { retention: retentionText(retention) }),
    queue: `${queue.messages} / ${formatSize(queue.bytes)}`,
    rungs: escalation.map(rungText),
    unreached: unreached.map(rungText),
  };
}

/** Whether newer messages can take the place of older ones. */
export function mayConflate({ overflow, escalation }: Granted): boolean {
  return overflow === "conflate" || escalation.some(({ policy }) => policy === "conflate");
}

/** Whether the load lasts long enough for it. Only clients that are frozen take nothing at all. */
function canHold({ when }: Rung, stallTimeoutMs: number, { seconds, frozen }: ConfigLoad): boolean {
  const { stalledForMs, fullForMs = 0, lagMs = 0 } = when;
  if (Math.max(fullForMs, lagMs) > seconds * 1_000) return false;
  return stalledForMs === undefined || stallTimeoutMs + stalledForMs <= frozen.toMs - frozen.fromMs;
}

/** `lag 2s and stalledFor 5s: evict` */
export function rungText({ when, policy }: Rung): string {
  const conditions = Object.entries(when)
    .filter(([, least]) => least !== undefined)
    .map(([name, least]) => CONDITIONS[name as keyof Rung["when"]](least));
  return `${conditions.join(" and ")}: ${policy}`;
}

const CONDITIONS: Readonly<Record<keyof Required<Rung["when"]>, (least: number) => string>> = {
  fullForMs: (least) => `fullFor ${formatDuration(least)}`,
  lagMs: (least) => `lag ${formatDuration(least)}`,
  lagMessages: (least) => `lagMessages ${least}`,
  lagBytes: (least) => `lagBytes ${formatSize(least)}`,
  stalledForMs: (least) => `stalledFor ${formatDuration(least)}`,
};
