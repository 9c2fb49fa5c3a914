/**
 * SAY: what passes between the engine, the transports and the clients. A leaf room: values and tables, no
 * behaviour, and nothing imported.
 *
 * @module
 */
export {
  CLOSE_REASONS,
  type CloseAdvice,
  type CloseReason,
  type CloseRule,
  type StatusName,
} from "./close-reasons.ts";
export type {
  EndFrame,
  Frame,
  GapFrame,
  GapReason,
  MessageFrame,
  ProgressFrame,
  QueueBounds,
  StartedFrame,
  StateFrame,
} from "./frames.ts";
export { OVERFLOW_POLICIES, type OverflowPolicyName } from "./overflow-policies.ts";
export type { Position, Start } from "./position.ts";
