import type { StatusObject } from "@grpc/grpc-js";
import { errorToStatus } from "./status.ts";

/** When a client that was refused for lack of room, or by a shutdown, is told to come back, in milliseconds. */
const RETRY_DELAY_MS = 1_000;

/** The status that refuses a call, with a retry delay that spreads those who are refused together. */
export function refusal(error: unknown): StatusObject {
  return errorToStatus(error, Math.round(RETRY_DELAY_MS * (0.5 + Math.random())));
}
