/**
 * Subscribes and cancels, over and over: some at once, some when live, some on a connection that is cut with them.
 * One round per order, so that the test can look in between.
 */
import { Client, credentials } from "@grpc/grpc-js";
import { SUBSCRIBE } from "./contract.ts";
import { onOrder, record, spec } from "./report.ts";

/** At the same time. Far below the burst of resets for which HTTP/2 closes a connection. */
const ABREAST = 50;

/** Its own connection. */
const UNSHARED = { "grpc.use_local_subchannel_pool": 1 };

const { address } = spec<{ readonly address: string }>();
const lasting = new Client(address, credentials.createInsecure());

onOrder<{ cycles: number }>(async ({ cycles }) => {
  for (let done = 0; done < cycles; done += ABREAST) {
    await Promise.all(Array.from({ length: ABREAST }, (_, n) => cycle(n)));
  }
  record({ kind: "answer", code: cycles });
});

async function cycle(n: number): Promise<void> {
  const own = n === 0;
  const client = own ? new Client(address, credentials.createInsecure(), UNSHARED) : lasting;
  const call = client.makeServerStreamRequest(
    SUBSCRIBE.path,
    SUBSCRIBE.requestSerialize,
    SUBSCRIBE.responseDeserialize,
    { patterns: [`churn.${n}`, "churn.>"] },
  );
  call.on("error", () => {});
  const over = new Promise((resolve) => call.once("status", resolve));
  // Every other one goes before it is served.
  if (n % 2 === 0) await new Promise((resolve) => call.once("data", resolve));
  call.cancel();
  await over;
  if (own) client.close();
}
