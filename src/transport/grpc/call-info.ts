import type { Metadata } from "@grpc/grpc-js";

/** What the hub's `authorize` hook is told of any call. */
export interface CallInfo {
  /** The address it comes from. */
  readonly peer: string;
  /** Text headers, in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Must be called while the call is fresh: of a closed connection grpc-js knows no peer. */
export function describeCall(call: { getPeer(): string; readonly metadata: Metadata }): CallInfo {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(call.metadata.getMap())) {
    if (typeof value === "string") headers[name] = value;
  }
  return { peer: call.getPeer(), headers };
}
