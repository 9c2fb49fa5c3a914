/** What a client process says it saw, in the order in which it saw it. One entry per event, plain JSON. */
import { createHash } from "node:crypto";
import type { QueueBounds } from "../../../src/protocol/index.ts";

export type Entry =
  /** The response headers: the call is live, also for a client that cannot read a single byte of it. */
  | { readonly kind: "live" }
  | {
      readonly kind: "started";
      readonly overflow: string;
      readonly queue: QueueBounds;
      readonly offset: number;
    }
  | MessageEntry
  | GapEntry
  | { readonly kind: "progress"; readonly offset: number; readonly conflated: number }
  | { readonly kind: "state"; readonly state: string }
  /** From the Longlived service. */
  | { readonly kind: "text"; readonly text: string }
  /** A client that comes back by itself is about to. */
  | { readonly kind: "waiting"; readonly reason: string }
  | EndEntry
  /** The answer to a unary call. */
  | { readonly kind: "answer"; readonly code: number };

export interface MessageEntry {
  readonly kind: "message";
  readonly topic: string;
  readonly offset: number;
  readonly key: string | undefined;
  readonly hash: string;
}

export interface GapEntry {
  readonly kind: "gap";
  /** Absent: several topics. */
  readonly topic?: string | undefined;
  readonly from: number;
  readonly to: number;
  /** Absent: unknown. */
  readonly count?: number | undefined;
  readonly reason: string;
}

export interface EndEntry {
  readonly kind: "end";
  /** The gRPC status code; absent where a stream was reset without one. */
  readonly code?: number;
  readonly details?: string;
  /** The HTTP/2 error code of a stream that was reset. */
  readonly reset?: number;
  /** The trailers that begin with `spillway-`, without that. */
  readonly trailers: Readonly<Record<string, string>>;
}

/** Enough of a payload to know it by. */
export function hashOf(payload: Uint8Array): string {
  return createHash("sha256").update(payload).digest("base64url").slice(0, 16);
}
