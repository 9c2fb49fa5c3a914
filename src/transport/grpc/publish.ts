import type { StatusObject } from "@grpc/grpc-js";
import { SpillwayError } from "../../errors.ts";
import { checkTopic, type Hub } from "../../fanout/index.ts";
import type { CallInfo } from "./call-info.ts";
import type { WirePublishRequest } from "./contracts.ts";
import { refusal } from "./refusal.ts";

/** @throws SpillwayError when the topic is none, or the caller may not publish to it */
export async function authorizePublish(hub: Hub, topic: string, { peer, headers }: CallInfo): Promise<void> {
  checkTopic(topic);
  await hub.authorize({ action: "publish", topics: [topic], peer, headers });
}

/**
 * Publishes what came over the wire and returns its offset.
 *
 * @throws SpillwayError as `Hub.publish` does
 */
export function publish(hub: Hub, request: WirePublishRequest): number {
  const { topic = "", payload = new Uint8Array(0), key, headers } = request;
  const { offset } = hub.publish(topic, payload, {
    ...(key !== undefined ? { key } : {}),
    ...(headers !== undefined && Object.keys(headers).length > 0 ? { headers } : {}),
  });
  return offset;
}

/** The status for an error on the way; one that no client should see goes to the owner of the hub. */
export function publishRefusal(hub: Hub, error: unknown): StatusObject {
  if (!(error instanceof SpillwayError)) hub.reportHookError("publish", error);
  return refusal(error);
}
