/**
 * Subscribes and cancels, over and over: some while the request is on the way, some when live, some on a connection
 * of their own. In rounds, so that the test can look in between.
 */
import { Client, credentials } from "@grpc/grpc-js";
import { SUBSCRIBE } from "./contract.ts";
import { onOrder, record, spec } from "./report.ts";

/** At the same time. */
const ABREAST = 50;

const { address } = spec<{ readonly address: string }>();

// One connection each round: HTTP/2 allows about a thousand resets in a burst, and then closes it.
onOrder<{ cycles: number }>(async ({ cycles }) => {
  const shared = newClient();
  for (let done = 0; done < cycles; done += ABREAST) {
    await Promise.all(Array.from({ length: ABREAST }, (_, n) => cycle(n, shared)));
  }
  shared.close();
  record({ kind: "answer", code: cycles });
});

async function cycle(n: number, shared: Client): Promise<void> {
  const own = n === 0 ? newClient() : undefined;
  const call = (own ?? shared).makeServerStreamRequest(
    SUBSCRIBE.path,
    SUBSCRIBE.requestSerialize,
    SUBSCRIBE.responseDeserialize,
    { patterns: [`churn.${n}`, "churn.>"] },
  );
  call.on("error", (error: { code?: number }) => {
    // Anything but its own cancellation ends this process, and the test.
    if (error.code !== 1) throw error;
  });
  const over = new Promise((resolve) => call.once("status", resolve));
  if (n % 2 === 0) await new Promise((resolve) => call.once("data", resolve));
  else await new Promise((resolve) => setImmediate(resolve));
  call.cancel();
  await over;
  own?.close();
}

function newClient(): Client {
  return new Client(address, credentials.createInsecure(), { "grpc.use_local_subchannel_pool": 1 });
}
