import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { Crew } from "../../examples/demo/crew.ts";
import type { FromClient, FromServer, FullReport, ToClient, ToServer } from "../../examples/demo/messages.ts";

test("dismissing ends and reaps every process, also one that is stopped", async () => {
  const deaths: string[] = [];
  const crew = new Crew((why) => deaths.push(why));
  const { signal } = new AbortController();
  const server = crew.fork<ToServer, FromServer>("the server", "server");
  const { address } = await server.next("ready", signal);
  const client = crew.fork<ToClient, FromClient<FullReport>>("client", "full-client", [address]);
  await client.next("live", signal);
  client.freeze();
  await crew.dismiss();
  for (const { pid } of [server, client]) assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
  assert.deepEqual(deaths, []);
});

test("a process that dies while it is needed is told, with its last words", async () => {
  const gone = new AbortController();
  const crew = new Crew((why) => gone.abort(new Error(why)));
  crew.fork("client 12", "post-client", ["", "12"]);
  await once(gone.signal, "abort");
  assert.match(gone.signal.reason.message, /^client 12 ended with exit code 1:.*ADDRESS_INVALID/s);
  await crew.dismiss();
});

test("waiting for a message ends with the signal's reason", async () => {
  const stop = new AbortController();
  const crew = new Crew(() => {});
  const server = crew.fork<ToServer, FromServer>("the server", "server");
  const answer = server.next("report", stop.signal);
  stop.abort(new Error("enough"));
  await assert.rejects(answer, /enough/);
  await crew.dismiss();
});
