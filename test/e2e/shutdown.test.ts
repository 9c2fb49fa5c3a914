/** `spillway serve` and a signal to end, with clients that listen and clients that do not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { status } from "@grpc/grpc-js";
import { publish, startServer } from "../cli/run.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { messagesIn } from "./support/checker.ts";
import { client } from "./support/client-process.ts";

failOnLeaks();

test("spillway serve ends by itself on SIGTERM with frozen and windowless clients; the healthy ones have everything and are told when to come back", async (t) => {
  const { process: server, address } = await startServer(t);
  const request = { patterns: ["load"] };
  const healthy = [1, 2].map((n) => client(t, "subscriber", `healthy ${n}`, { address, request }));
  const frozen = client(t, "subscriber", "frozen", { address, request });
  const windowless = client(t, "windowless-subscriber", "windowless", { address, request });
  await Promise.all([...healthy, frozen].map((each) => each.first("started")));
  await windowless.first("live");
  frozen.freeze();
  // More than a window takes, less than any queue holds.
  assert.equal((await publish(t, address, ["load", "--count", "200", "--size", "4096"])).code, 0);
  server.child.kill("SIGTERM");

  for (const each of healthy) {
    const { code, trailers } = await each.first("end");
    assert.deepEqual([code, trailers.reason, trailers.lost], [status.UNAVAILABLE, "draining", "0"]);
    assert.ok(Number(trailers["retry-after-ms"]) > 0, `when to come back: ${JSON.stringify(trailers)}`);
    assert.equal(each.entries("state")[0]?.state, "SUBSCRIPTION_STATE_DRAINING");
    assert.equal(messagesIn(each.journal).length, 200);
  }
  assert.equal((await server.exit).code, 0);

  frozen.thaw();
  const { code } = await frozen.first("end");
  // The status, or the reset where no status could pass.
  assert.ok(code === status.UNAVAILABLE || code === status.RESOURCE_EXHAUSTED, `got ${code}`);
  await windowless.first("end");
});
