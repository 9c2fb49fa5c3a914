/** What `spillway subscribe` prints for a frame. @module */
import { isUtf8 } from "node:buffer";
import type { GapFrame, MessageFrame } from "../protocol/index.ts";
import type { RemoteFrame } from "../transport/grpc/client/index.ts";
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
      };
    case "progress":
      return { ...frame.position, conflated: frame.conflated };
    case "state":
      return { state: frame.state, epoch };
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

function messageLine({ topic, offset, key, payload }: MessageFrame): string {
  const fields = payloadFields(payload);
  const text = "payload" in fields ? printable(fields.payload) : `base64:${fields.payloadBase64}`;
  return `${topic} ${offset}${key === undefined ? "" : ` [${printable(key)}]`} ${text}`;
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
