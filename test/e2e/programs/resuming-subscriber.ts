/** A subscriber with this project's own client, which comes back by itself. */
import { connect } from "../../../src/transport/grpc/client/index.ts";
import { hashOf } from "../support/journal.ts";
import { record, spec } from "./report.ts";

const { address, patterns } = spec<{ readonly address: string; readonly patterns: readonly string[] }>();

const subscription = connect(address, { backoff: { baseMs: 10, capMs: 50 } }).subscribe(patterns, {
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
        offset: frame.position.offset,
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
