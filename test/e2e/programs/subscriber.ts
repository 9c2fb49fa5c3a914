/** A subscriber of the full contract: plain grpc-js and the `.proto` file, on a connection of its own. */
import { Client, credentials, type StatusObject } from "@grpc/grpc-js";
import { SUBSCRIBE, type SubscribeRequest, toEnd, toEntry } from "./contract.ts";
import { onOrder, record, spec } from "./report.ts";

const { address, request, pauseAfter, restMs, name } = spec<{
  readonly address: string;
  readonly request: SubscribeRequest;
  /** Reads so many messages, and then no more until it is told to. */
  readonly pauseAfter?: number;
  /** Rests so long after every message. */
  readonly restMs?: number;
  readonly name: string;
}>();

const client = new Client(address, credentials.createInsecure());
const call = client.makeServerStreamRequest(
  SUBSCRIBE.path,
  SUBSCRIBE.requestSerialize,
  SUBSCRIBE.responseDeserialize,
  { clientName: name, ...request },
);
let messages = 0;
call.on("metadata", () => record({ kind: "live" }));
call.on("data", (response) => {
  record(toEntry(response));
  if (response.frame !== "message") return;
  if (++messages === pauseAfter) call.pause();
  if (restMs !== undefined) rest(restMs);
});
// Every outcome also comes as a status.
call.on("error", () => {});
call.on("status", (status: StatusObject) => record(toEnd(status)));

onOrder<{ order: "resume" | "cancel" }>(({ order }) => {
  if (order === "resume") call.resume();
  else call.cancel();
});

function rest(ms: number): void {
  call.pause();
  setTimeout(() => call.resume(), ms);
}
