/** `spillway serve` and a signal to end, with clients that listen and clients that do not. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { status } from "@grpc/grpc-js";
import { publish, startServer } from "../cli/run.ts";
import { messagesIn } from "./support/checker.ts";
import { client } from "./support/client-process.ts";

// Side by side: each lasts as long as the command gives its clients to take what is theirs.
describe("spillway serve, ended by a signal", { concurrency: true }, () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    test(`${signal}: with frozen and windowless clients it ends by itself; the healthy ones have everything and are told when to come back`, async (t) => {
      const { process: server, address } = await startServer(t);
      const request = { patterns: ["load"] };
      const healthy = [1, 2].map((n) => client(t, "subscriber", `healthy ${n}`, { address, request }));
      const frozen = client(t, "subscriber", "frozen", { address, request });
      const windowless = client(t, "windowless-subscriber", "windowless", { address, request });
      await Promise.all([...healthy, frozen, windowless].map((each) => each.first("live")));
      await Promise.all([...healthy, frozen].map((each) => each.first("started")));
      frozen.freeze();
      // More than lies between here and there, less than any queue holds.
      assert.equal((await publish(t, address, ["load", "--count", "200", "--size", "4096"])).code, 0);
      server.child.kill(signal);

      for (const each of healthy) {
        const { code, trailers } = await each.first("end");
        assert.equal(code, status.UNAVAILABLE);
        assert.equal(trailers.reason, "draining");
        assert.equal(trailers.lost, "0");
        assert.ok(Number(trailers["retry-after-ms"]) > 0, `told when: ${JSON.stringify(trailers)}`);
        assert.equal(messagesIn(each.journal).length, 200);
        const { journal } = each;
        assert.deepEqual(journal.at(-2), { kind: "state", state: "SUBSCRIPTION_STATE_DRAINING" });
      }
      assert.equal((await server.exit).code, 0);
      frozen.thaw();
      const { code } = await frozen.first("end");
      assert.ok(code === status.UNAVAILABLE || code === status.RESOURCE_EXHAUSTED, `got ${code}`);
      await windowless.first("end");
    });
  }
});
