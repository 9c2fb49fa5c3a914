import { CompactedLog } from "./compacted-log.ts";
import { type ReplayLog, SequentialLog } from "./replay-log.ts";

/** Retains the newest messages of a topic. All bounds hold at once. */
export interface SequentialRetention {
  /** @default 1_024 */
  readonly messages?: number;
  /** @default 1_048_576 */
  readonly bytes?: number;
  /**
   * In milliseconds. What is older is never replayed, and is forgotten within ten seconds while there are
   * subscriptions.
   *
   * @default Infinity
   */
  readonly ageMs?: number;
}

/** Retains the latest message per key of a topic: messages without a key are refused there. */
export interface CompactedRetention {
  readonly latestPerKey: true;
  /**
   * Most keys per topic; beyond it the key that was unchanged for longest is forgotten.
   *
   * @default 10_000
   */
  readonly keys?: number;
  /**
   * How long a tombstone is retained, in milliseconds: as long as a subscriber may be away and still learn of the
   * deletion.
   *
   * @default 3_600_000
   */
  readonly tombstoneAgeMs?: number;
}

export type Retention = SequentialRetention | CompactedRetention;

/** With everything filled in. */
export type ResolvedRetention = Required<SequentialRetention> | Required<CompactedRetention>;

/**
 * The log of a topic under its retention: the one that it has, with other bounds, or a new one.
 *
 * @param log - the one that it has
 * @param lastOffset - the newest offset of the topic: what a new log does not have
 */
export function logFor(
  retention: ResolvedRetention | undefined,
  log: ReplayLog | undefined,
  lastOffset: number,
): ReplayLog | undefined {
  if (log instanceof SequentialLog && !isCompacted(retention)) {
    // Without a retention it goes on counting what it does not retain: its readers are told exactly.
    if (retention === undefined) log.clear();
    else log.changeBounds(retention);
    return log;
  }
  if (log instanceof CompactedLog && isCompacted(retention)) {
    log.changeBounds(retention);
    return log;
  }
  log?.clear();
  if (retention === undefined) return undefined;
  return isCompacted(retention)
    ? new CompactedLog(retention, lastOffset)
    : new SequentialLog(retention, lastOffset);
}

function isCompacted(retention: ResolvedRetention | undefined): retention is Required<CompactedRetention> {
  return retention !== undefined && "latestPerKey" in retention;
}
