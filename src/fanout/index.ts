/**
 * DECIDE: who gets what, and what becomes of those who are slow. Knows nothing of any transport.
 *
 *     publish ─► Hub ─► Subscription.offer ─► queue        (synchronous, one attempt, an outcome)
 *                              │ ready
 *                         FlushLoop ─► Pump ─► Sink        (one batch outstanding per subscription)
 *
 * The rest helps these: {@link InterestIndex} finds subscriptions by topic, {@link GapLedger} remembers losses
 * until they are told, {@link Watch} judges what takes time. {@link CatchUp} reads the past into the same queue, in
 * the same turns.
 *
 * @module
 */
export type { Access, AccessRequest, Authorize } from "./access.ts";
export { checkWhole } from "./checks.ts";
export type { OptionProblem } from "./contradictions.ts";
export type { Rung, SlowCondition } from "./escalation.ts";
export type { BrakeState } from "./eviction-brake.ts";
export { type ExplainedOption, type ExplainedOptions, explainOptions } from "./explain.ts";
export type { HistogramSnapshot } from "./histogram.ts";
export type { HistoryLoadCounts } from "./history-loads.ts";
export type {
  HistoryLoadOptions,
  HistoryPage,
  HistoryRequest,
  HistoryRule,
  HistorySource,
  StoredMessage,
} from "./history-source.ts";
export { Hub, type LocalSubscribeOptions, type Published, type WritableOptions } from "./hub.ts";
export type { InterestChange } from "./interest-events.ts";
export { intersection } from "./levels.ts";
export type { LocalSubscription } from "./local-subscription.ts";
export type { Message, WireShape } from "./message.ts";
export {
  type FlushLimits,
  HUB_CONFIG_NAMES,
  type HubConfig,
  type HubOptions,
  hubConfigProblems,
} from "./options.ts";
export { PRESETS, type PresetName } from "./presets.ts";
export type { Publication, PublishOptions } from "./publication.ts";
export type { DeliveryPhase } from "./pump.ts";
export type { CompactedRetention, Retention, SequentialRetention } from "./retention.ts";
export type { BatchLimits, Sink, SinkFeedback, SinkFrame, WriteOutcome } from "./sink.ts";
export {
  type Books,
  type HubStats,
  type Losses,
  lost,
  type SubscriptionStats,
  type TopicStats,
} from "./stats.ts";
export type { KeyFilter, SubscribeRequest } from "./subscribe-request.ts";
export type {
  ClassMatch,
  ClassOptions,
  SubscriberOptions,
  TopicOptions,
  Watermarks,
} from "./subscriber-options.ts";
export type { Subscription } from "./subscription.ts";
export type { SubscriptionState } from "./subscription-state.ts";
export { checkPattern, checkTopic } from "./topic-names.ts";
