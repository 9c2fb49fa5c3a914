// A hub behind a real server on a free port, closed and checked with the test: whatever happened in it, no
// subscription is left, and the books balance.
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { Client } from "@grpc/grpc-js";
import { Hub, type HubOptions } from "../../src/fanout/index.ts";
import { type ServeOptions, type SpillwayServer, serve } from "../../src/transport/grpc/index.ts";
import { grpcClient } from "./grpc-calls.ts";

export interface ServedHub {
  readonly hub: Hub;
  readonly served: SpillwayServer;
  readonly address: string;
  readonly client: Client;
  /** What hooks threw, as `[hook, error]`. */
  readonly hookErrors: [hook: string, error: unknown][];
}

export async function servedHub(
  t: TestContext,
  options: ServeOptions = {},
  hubOptions: HubOptions = {},
  addToHub?: (hub: Hub) => ServeOptions,
): Promise<ServedHub> {
  const hookErrors: [string, unknown][] = [];
  const hub = new Hub({ onError: (error, hook) => hookErrors.push([hook, error]), ...hubOptions });
  const served = await serve(hub, {
    listen: "127.0.0.1:0",
    endGraceMs: 100,
    drainTimeoutMs: 1_000,
    ...options,
    ...addToHub?.(hub),
  });
  t.after(async () => {
    await served.close();
    assertBalanced(hub);
  });
  return { hub, served, address: served.address, client: grpcClient(t, served.address), hookErrors };
}

export function assertBalanced(hub: Hub): void {
  const {
    matched,
    delivered,
    dropped,
    conflated,
    expired,
    queued,
    inFlight,
    discardedAtClose,
    subscriptions,
  } = hub.stats();
  const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
  assert.equal(
    delivered + lost + conflated + expired + queued + inFlight + discardedAtClose,
    matched,
    "the books balance",
  );
  const none = { live: 0, "catching-up": 0, parked: 0, draining: 0, stalled: 0 };
  assert.deepEqual(subscriptions, none, "no subscription is left");
}

/** Resolves when a condition holds, which it must come to by events that are under way; looks once a turn. */
export async function eventually(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
