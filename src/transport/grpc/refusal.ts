import type { StatusObject } from "@grpc/grpc-js";
import type { Hub } from "../../fanout/index.ts";
import { errorToStatus } from "./status.ts";

/** The status that refuses a call, with a retry delay that spreads those who are refused together. */
export function refusal(hub: Hub, error: unknown): StatusObject {
  return errorToStatus(error, hub.retryAfterMs());
}
