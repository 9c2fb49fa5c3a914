/**
 * What passes between the orchestrator of a configuration's trial and its processes. One request, one answer.
 *
 * @module
 */
import type { ServerConfig } from "../../../src/config/index.ts";
import type { HubConfig } from "../../../src/fanout/index.ts";
import type { ClientFigures, ConfigLoad, Guise, HubBooks, ServerFigures } from "../../config-results.ts";
import type { Failed } from "../../harness/messages.ts";
import type { Granted } from "./ledger.ts";

export type ToServer =
  | {
      readonly type: "start";
      readonly hub: HubConfig;
      readonly server: ServerConfig;
      readonly load: ConfigLoad;
    }
  /** Publish for a moment, so that the code is warm, and wait until everybody has it. */
  | { readonly type: "warm-up" }
  | { readonly type: "begin"; readonly startNanos: number }
  | { readonly type: "finish" }
  | { readonly type: "stop" };

export type FromServer =
  | { readonly type: "started"; readonly address: string }
  /** @see Measured.warmUp */
  | { readonly type: "warmed"; readonly perTopic: number }
  | { readonly type: "begun" }
  | { readonly type: "published" }
  | { readonly type: "measured"; readonly measurements: ServerMeasurements }
  | { readonly type: "stopped" }
  | Failed;

export interface ServerMeasurements {
  readonly server: ServerFigures;
  /** By the id of the kind. */
  readonly kinds: Readonly<Record<string, ServedKind>>;
  /** Whether the books of the hub balance, and the sum of those of all kinds is that of the hub. */
  readonly balanced: boolean;
}

export interface ServedKind {
  readonly hub: HubBooks;
  readonly granted: Granted;
}

/** Clients of one kind, as their process needs to know them. */
export interface ClientPlan {
  readonly kind: string;
  readonly count: number;
  /** The place of their topic among those of the load. */
  readonly topic: number;
  readonly guise: Guise;
  readonly readsPerSecond?: number;
  /** Whether they leave and come back when the load says so. */
  readonly returns: boolean;
}

export type ToClient =
  | {
      readonly type: "subscribe";
      readonly address: string;
      readonly load: ConfigLoad;
      readonly plans: readonly ClientPlan[];
    }
  | { readonly type: "begin"; readonly measured: Measured }
  /** Everything is published. Wait until all of it is accounted for, but not longer; then close the books. */
  | { readonly type: "finish"; readonly limitMs: number };

export interface Measured {
  readonly startNanos: number;
  /** Messages of the warm-up, on each topic. */
  readonly warmUp: number;
}

export type FromClient =
  | { readonly type: "subscribed" }
  | { readonly type: "begun" }
  | { readonly type: "report"; readonly kinds: Readonly<Record<string, ClientFigures>> }
  | Failed;
