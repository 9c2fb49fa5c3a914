/** A client as in the blog post: subscribes with its id and reads texts. Arguments: address, id. @module */
import { connect } from "../../src/transport/grpc/client/index.ts";
import { ClientReport } from "./client-report.ts";
import { latencyMs, parseLoad } from "./load.ts";
import type { PostReport } from "./messages.ts";

const [address = "", id = ""] = process.argv.slice(2);
const sequences: number[] = [];
const latenciesMs: number[] = [];
let calls = 0;
const report = new ClientReport<PostReport>(() => ({ sequences, latenciesMs, calls }));

const texts = connect(address).longlived(Number(id), {
  onStateChange({ state, attempt }) {
    calls = attempt;
    if (state === "live") report.live();
  },
});
for await (const text of texts) {
  const message = parseLoad(text);
  latenciesMs.push(latencyMs(message));
  sequences.push(message.sequence);
  report.received(message.sequence);
}
