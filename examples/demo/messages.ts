/** What the processes of the demo tell each other over their IPC channels. @module */

import type { HubStats } from "../../src/fanout/index.ts";
import type { GapReason, SubscriptionStats } from "../../src/index.ts";

export type ToServer =
  /** Start the load, or go on at another pace. */
  | { readonly type: "pace-load"; readonly messagesPerSecond: number }
  | { readonly type: "stop-load" }
  /** A process that cannot end by itself while it is stopped: to be killed should the demo die. */
  | { readonly type: "guard"; readonly pid: number }
  | { readonly type: "report" };

export type FromServer =
  | { readonly type: "ready"; readonly address: string }
  /** A schedule begins with this message, due now. */
  | { readonly type: "load-paced"; readonly firstSequence: number; readonly startNs: bigint }
  /** How many messages the load was. */
  | { readonly type: "load-stopped"; readonly count: number }
  | { readonly type: "stats"; readonly subscriptions: readonly SubscriptionStats[] }
  | {
      readonly type: "report";
      /** The offsets of the load, in order: the message with sequence `n` is at `n - 1`. */
      readonly offsets: readonly number[];
      readonly subscriptions: readonly SubscriptionStats[];
      readonly hub: HubStats;
    };

export interface FromTicker {
  readonly type: "tick";
  readonly dueNs: bigint;
}

/** Report when the message `through` has arrived, or after `withinMs` without it. */
export interface ToClient {
  readonly type: "report";
  readonly through: number;
  readonly withinMs: number;
}

export type FromClient<Report> =
  | { readonly type: "live" }
  | { readonly type: "received"; readonly count: number }
  | { readonly type: "report"; readonly report: Report };

/** Everything that a client as in the blog post saw. */
export interface PostReport {
  /** Sequence numbers in the order of arrival. */
  readonly sequences: readonly number[];
  /** How late each of them was, in milliseconds. */
  readonly latenciesMs: readonly number[];
  /** Calls it needed; more than 1 if its stream broke. */
  readonly calls: number;
}

/** Everything that the client on the full contract saw, in the order of arrival. */
export type FullReport = readonly FullEntry[];

export type FullEntry =
  | { readonly kind: "started"; readonly offset: number }
  | { readonly kind: "message"; readonly offset: number }
  | {
      readonly kind: "gap";
      readonly from: number;
      readonly to: number;
      readonly count: number | undefined;
      readonly reason: GapReason;
    };
