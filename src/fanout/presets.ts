import type { TopicOptions } from "./subscriber-options.ts";

/**
 * Starting points, by what a feed is for. Name one, and say what does not fit:
 * `new Hub({ preset: "live-state", queue: { messages: 256 } })`.
 */
export const PRESETS = {
  /**
   * Prices, positions, presence: what counts is the latest value per key. A newer value replaces an unread one, so
   * the reader is never further behind than one value per key. Values in between are never announced as lost, their
   * number is in the progress frames; only a reader with more changed keys than its queue holds loses some, and is
   * told. Whoever stops reading for a minute is disconnected and resumes.
   */
  "live-state": {
    overflow: "conflate",
    escalation: [{ when: { stalledForMs: 60_000 }, policy: "evict" }],
  },
  /**
   * Notifications, activity, chat: every message counts, the newest most. A burst of 4,096 messages is kept for each
   * reader; beyond it the oldest are dropped, and the reader is told exactly which. Whoever stops reading for a
   * minute is disconnected and resumes.
   */
  "event-feed": {
    overflow: "drop-oldest",
    queue: { messages: 4096, bytes: 4 * 1024 * 1024 },
    escalation: [{ when: { stalledForMs: 60_000 }, policy: "evict" }],
  },
  /**
   * Orders, changes, audit trails: nothing may be missing. A full queue parks the reader, who goes on from the replay
   * log at its own pace; something is lost only when the log has forgotten it, and is told. Size the retention for
   * the longest absence. Whoever does not read at all for five minutes is disconnected and resumes.
   */
  "audit-log": {
    overflow: "park",
    retention: { messages: 65_536, bytes: 64 * 1024 * 1024 },
    escalation: [{ when: { stalledForMs: 300_000 }, policy: "evict" }],
  },
  /**
   * Metrics, sensor readings, logs to watch: cheap, frequent, worthless when late. A small queue drops the oldest; a
   * reader two seconds behind is given the latest per key only, until it has kept up for a while; one that stops
   * reading is disconnected after fifteen seconds.
   */
  telemetry: {
    overflow: "drop-oldest",
    queue: { messages: 256, bytes: 256 * 1024 },
    escalation: [
      { when: { lagMs: 2_000 }, policy: "conflate" },
      { when: { stalledForMs: 15_000 }, policy: "evict" },
    ],
  },
} as const satisfies Record<PresetName, Omit<TopicOptions, "preset">>;

export type PresetName = "live-state" | "event-feed" | "audit-log" | "telemetry";
