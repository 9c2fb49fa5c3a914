import type { StatusObject } from "@grpc/grpc-js";
import { SpillwayError } from "../../errors.ts";
import { checkTopic, type Hub, type Published } from "../../fanout/index.ts";
import type { CallInfo } from "./call-info.ts";
import type { WirePublishRequest } from "./contracts.ts";
import { refusal } from "./refusal.ts";
import { millisecondsFromWire } from "./wire.ts";

/** @throws SpillwayError when the topic is none, or the caller may not publish to it */
export async function authorizePublish(hub: Hub, topic: string, { peer, headers }: CallInfo): Promise<void> {
  checkTopic(topic);
  await hub.authorize({ action: "publish", topics: [topic], peer, headers });
}

/**
 * Publishes what came over the wire.
 *
 * @throws SpillwayError as `Hub.publish` does
 */
export function publish(hub: Hub, request: WirePublishRequest): Published {
  const { topic = "", payload = new Uint8Array(0), key, headers, tombstone } = request;
  return hub.publish(topic, payload, {
    key,
    headers: headers !== undefined && Object.keys(headers).length > 0 ? headers : undefined,
    tombstone,
    ttlMs: millisecondsFromWire(request.ttlMs, "ttl_ms", "MESSAGE_INVALID"),
  });
}

/** The status for an error on the way; one that no client should see goes to the owner of the hub. */
export function publishRefusal(hub: Hub, error: unknown): StatusObject {
  if (!(error instanceof SpillwayError)) hub.reportHookError("publish", error);
  return refusal(hub, error);
}
