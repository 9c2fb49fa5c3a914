/**
 * What a configuration retains of a topic.
 *
 * @module
 */
import { formatDuration, formatSize } from "../../../src/config/index.ts";
import { explainOptions, type HubConfig, type Retention } from "../../../src/fanout/index.ts";

/** `undefined`: nothing. */
export function retentionOf(hub: HubConfig, topic: string): Retention | undefined {
  const { value } = explainOptions(hub, [topic], undefined).topic.find(
    ({ path }) => path[0] === "retention",
  )!;
  return value === false ? undefined : (value as Retention);
}

/** Whether who comes back gets the latest of each key, and nobody tells it what it did not see in between. */
export function isCompacted(hub: HubConfig, topic: string): boolean {
  const retention = retentionOf(hub, topic);
  return retention !== undefined && "latestPerKey" in retention;
}

/** `65536 / 64MiB`, `latest of 10000 keys` */
export function retentionText(retention: Retention): string {
  if ("latestPerKey" in retention) return `latest of ${retention.keys} keys`;
  const { messages, bytes = 0, ageMs = Number.POSITIVE_INFINITY } = retention;
  const age = ageMs === Number.POSITIVE_INFINITY ? "" : ` / ${formatDuration(ageMs)}`;
  return `${messages} / ${formatSize(bytes)}${age}`;
}
