/** What a process says it saw, in the order in which it saw it. One entry per event, plain JSON. */
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
      readonly epoch: string;
      /** Why the subscription before this one ended, where the server could not say it then. */
      readonly previousEnd?: string | undefined;
    }
  | MessageEntry
  | GapEntry
  | { readonly kind: "progress"; readonly offset: number; readonly conflated: number }
  | { readonly kind: "state"; readonly state: string; readonly overflow: string; readonly rung: number }
  /** From the Longlived service. */
  | { readonly kind: "text"; readonly text: string }
  /** A client that comes back by itself is about to. */
  | { readonly kind: "waiting"; readonly reason: string }
  | EndEntry
  /** The answer to a unary call. */
  | { readonly kind: "answer"; readonly code: number }
  /** From a server: where it can be reached, and which history it tells. */
  | { readonly kind: "listening"; readonly address: string; readonly epoch: string }
  /** From a server: everything it was told to publish is, up to this offset. */
  | { readonly kind: "published"; readonly offset: number }
  /** From a server: its event loop is about to block, with so much published, and handed over to everybody. */
  | { readonly kind: "blocking"; readonly confirmed: number; readonly published: number }
  | StatsEntry;

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

/** From a server: who is slow in its eyes, and who was. */
export interface StatsEntry {
  readonly kind: "stats";
  /** Subscriptions that ended, by reason. */
  readonly ended: Readonly<Record<string, number>>;
  readonly subscribers: readonly {
    readonly clientName: string | undefined;
    readonly stalls: number;
    readonly rung: number;
  }[];
}

/** A message as a server stores it in a file. */
export interface StoredEntry {
  readonly topic: string;
  readonly offset: number;
  readonly payload: string;
  readonly hash: string;
  readonly publishedAtMs: number;
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
