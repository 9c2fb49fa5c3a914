/** What `spillway subscribe` prints for a frame. @module */
import { isUtf8 } from "node:buffer";
import { CLOSE_REASONS, type CloseReason, type GapFrame, type MessageFrame } from "../protocol/index.ts";
import type { PreviousEnd, RemoteFrame, RemoteStartedFrame } from "../transport/grpc/client/index.ts";
import { oneLine } from "./errors.ts";

/** One JSON object. `epoch` is the one of the subscription's position. */
export function jsonLine(frame: RemoteFrame, epoch: string | undefined, receivedAtMs: number): string {
  return JSON.stringify({ type: frame.kind, ...fields(frame, epoch), receivedAtMs: micros(receivedAtMs) });
}

function fields(frame: RemoteFrame, epoch: string | undefined): Record<string, unknown> {
  switch (frame.kind) {
    case "message":
      return {
        topic: frame.topic,
        offset: frame.offset,
        previousOffset: frame.previousOffset,
        epoch,
        key: frame.key,
        headers: frame.headers,
        ...(frame.tombstone ? { tombstone: true } : {}),
        ...payloadFields(frame.payload),
        publishedAtMs: frame.publishedAtMs,
      };
    case "gap":
      return {
        topic: frame.topic,
        from: frame.from,
        to: frame.to,
        count: frame.count,
        reason: frame.reason,
        epoch,
      };
    case "started":
      return {
        subscriptionId: frame.subscriptionId,
        ...frame.position,
        overflow: frame.overflow,
        queue: frame.queue,
        bounded: frame.bounded,
        maxAgeMs: frame.maxAgeMs,
        class: frame.class,
        previousEnd: frame.previousEnd,
      };
    case "progress":
      return { ...frame.position, conflated: frame.conflated };
    case "state":
      return { state: frame.state, overflow: frame.overflow, rung: frame.rung, epoch };
  }
}

function payloadFields(payload: Uint8Array): { payload: string } | { payloadBase64: string } {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  return isUtf8(bytes) ? { payload: bytes.toString("utf8") } : { payloadBase64: bytes.toString("base64") };
}

/** The clock is not finer, and its rounding noise would be three times as long. */
function micros(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

/** One line for people; `undefined` for frames that only programs need. */
export function textLine(frame: RemoteFrame): string | undefined {
  if (frame.kind === "message") return messageLine(frame);
  if (frame.kind === "gap") return gapLine(frame);
  return undefined;
}

function messageLine({ topic, offset, key, payload, tombstone }: MessageFrame): string {
  const fields = payloadFields(payload);
  const text = "payload" in fields ? printable(fields.payload) : `base64:${fields.payloadBase64}`;
  const head = `${topic} ${offset}${key === undefined ? "" : ` [${printable(key)}]`}`;
  if (tombstone) return text === "" ? `${head} (deleted)` : `${head} (deleted) ${text}`;
  return `${head} ${text}`;
}

function gapLine({ topic, from, to, count, reason }: GapFrame): string {
  const what = count === undefined ? "messages" : count === 1 ? "1 message" : `${count} messages`;
  const where = topic === undefined ? "several topics" : topic;
  return `*** lost ${what} of ${where}, offsets ${from}..${to}: ${reason} ***`;
}

/** Line breaks and control characters of a stranger neither break the line nor reach the terminal. */
function printable(text: string): string {
  return oneLine(text.replaceAll("\r", "\\r").replaceAll("\n", "\\n").replaceAll("\t", "\\t"));
}

type StateFrame = Extract<RemoteFrame, { kind: "state" }>;

/** What a state frame means to people. @param rungBefore - of the frame before it, else 0 */
export function describeState(frame: StateFrame, rungBefore: number): string {
  const { state, overflow, rung } = frame;
  if (rung > rungBefore)
    return `too slow: on rung ${rung} of the escalation now, with the policy ${overflow}`;
  if (rung < rungBefore) {
    const where = rung === 0 ? "not slow any more" : `recovering: on rung ${rung} of the escalation now`;
    return `${where}, with the policy ${overflow}`;
  }
  switch (state) {
    case "catching-up":
      return "catching up: what follows is read from what the server retains";
    case "live":
      return "live: everything retained was sent";
    case "parked":
      return "parked: the queue was full; what it had no room for is read from what the server retains";
    case "draining":
      return "the server is draining this subscription";
  }
}

/** What the server granted, and what of it is less than was asked for. */
export function describeGrant({
  overflow,
  queue,
  maxAgeMs,
  class: name,
  bounded,
}: RemoteStartedFrame): string {
  return [
    `${overflow}, queue ${queue.messages} messages / ${queue.bytes} bytes`,
    ...(maxAgeMs === undefined ? [] : [`nothing older than ${maxAgeMs} ms`]),
    ...(name === undefined ? [] : [`class ${name}`]),
    ...(bounded.length === 0 ? [] : [`bounded by the server: ${bounded.join(", ")}`]),
  ].join(", ");
}

/** How the subscription before this one ended, where the server could not say it then. */
export function describePreviousEnd({ reason, lost }: PreviousEnd): string {
  const known = Object.hasOwn(CLOSE_REASONS, reason);
  const why = known ? `${reason} (${CLOSE_REASONS[reason as CloseReason].detail})` : reason;
  return `the server had ended the subscription before this one: ${why}, ${lost} messages lost in its lifetime`;
}
