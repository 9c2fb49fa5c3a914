/** A client of the blog post's contract with this project's own client. */
import { connect } from "../../../src/transport/grpc/client/index.ts";
import { record, spec } from "./report.ts";

const { address, id } = spec<{ readonly address: string; readonly id: number }>();

const subscription = connect(address).longlived(id, {
  onStateChange({ state, error }) {
    if (state === "live") record({ kind: "live" });
    if (state === "waiting") record({ kind: "waiting", reason: error?.reason ?? "" });
  },
});
try {
  for await (const text of subscription) record({ kind: "text", text });
  record({ kind: "end", trailers: {} });
} catch (error) {
  const { message, reason = "" } = error as Error & { reason?: string };
  record({ kind: "end", details: message, trailers: { reason } });
}
