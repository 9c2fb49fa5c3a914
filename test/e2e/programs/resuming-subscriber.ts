/** A subscriber with this project's own client, which comes back by itself. */
import { connect, type RemoteSubscribeOptions } from "../../../src/transport/grpc/client/index.ts";
import { hashOf } from "../support/journal.ts";
import { record, spec } from "./report.ts";

const { address, patterns, options, name } = spec<{
  readonly address: string;
  readonly patterns: readonly string[];
  readonly options?: RemoteSubscribeOptions;
  readonly name: string;
}>();

const subscription = connect(address, { backoff: { baseMs: 10, capMs: 50 } }).subscribe(patterns, {
  clientName: name,
  ...options,
  onStateChange({ state, error }) {
    if (state === "live") record({ kind: "live" });
    if (state === "waiting") record({ kind: "waiting", reason: error?.reason ?? "" });
  },
});
for await (const frame of subscription) {
  switch (frame.kind) {
    case "started":
      record({
        kind: "started",
        overflow: frame.overflow,
        queue: frame.queue,
        ...frame.position,
        previousEnd: frame.previousEnd?.reason,
      });
      break;
    case "message": {
      const { kind, topic, offset, key, payload } = frame;
      record({ kind, topic, offset, key, hash: hashOf(payload) });
      break;
    }
    case "progress":
      record({ kind: "progress", offset: frame.position.offset, conflated: frame.conflated });
      break;
    default:
      record(frame);
  }
}
