/**
 * The client on the full contract, with a small queue of its own choice. It knows nothing of being frozen: what
 * it missed it learns from the server. Argument: address.
 *
 * @module
 */
import { connect } from "../../src/transport/grpc/client/index.ts";
import { ClientReport } from "./client-report.ts";
import { parseLoad } from "./load.ts";
import type { FullEntry, FullReport } from "./messages.ts";
import { FROZEN_CLIENT_NAME, FROZEN_OVERFLOW, FROZEN_QUEUE, LOAD_TOPIC } from "./plan.ts";

const [address = ""] = process.argv.slice(2);
const entries: FullEntry[] = [];
const report = new ClientReport<FullReport>(() => entries);
const text = new TextDecoder();

const frames = connect(address).subscribe(LOAD_TOPIC, {
  clientName: FROZEN_CLIENT_NAME,
  overflow: FROZEN_OVERFLOW,
  queue: FROZEN_QUEUE,
});
for await (const frame of frames) {
  if (frame.kind === "started") {
    entries.push({ kind: "started", offset: frame.position.offset });
    report.live();
  } else if (frame.kind === "message") {
    entries.push({ kind: "message", offset: frame.offset });
    report.received(parseLoad(text.decode(frame.payload)).sequence);
  } else if (frame.kind === "gap") {
    const { from, to, count, reason } = frame;
    entries.push({ kind: "gap", from, to, count, reason });
  }
}
