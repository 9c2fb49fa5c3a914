/** `spillway subscribe --json` whose output nobody reads for a while, at a server with a rung for those who lag. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { type Json, run } from "../cli/run.ts";
import { eventually, servedHub } from "../support/grpc-served-hub.ts";
import { failOnLeaks } from "../support/leaks.ts";

failOnLeaks();

const QUEUE = { messages: 64, bytes: 1024 * 1024 };
const KEYS = 10;

test("spillway subscribe --json shows rungs, the policy in force, gaps and what was conflated, each where it happened", async (t) => {
  const { hub, address } = await servedHub(
    t,
    {},
    {
      queue: QUEUE,
      newcomerGraceMs: 0,
      recoveryMs: 250,
      progressIntervalMs: 50,
      escalation: [{ when: { lagMs: 250 }, policy: "conflate" }],
    },
  );
  const command = run(t, ["subscribe", "load.*", "--address", address, "--json"], { unread: true });
  await once(command.child.stdout, "readable");
  const [subscription] = hub.subscriptions();
  assert.ok(subscription !== undefined);
  const stats = () => subscription.stats();

  // What lies between here and the pipe fills, then the queue; then messages are lost, and then it lags.
  const payload = "x".repeat(1000);
  while (stats().dropped.overflow < QUEUE.messages || stats().rung === 0) {
    hub.publish("load.a", payload);
    await new Promise((resolve) => setImmediate(resolve));
  }
  // On the rung, messages of one key replace each other.
  for (let n = 0; n < 10 * KEYS; n++) hub.publish("load.b", payload, { key: `${n % KEYS}` });
  const published = hub.position.offset;
  command.read();
  await command.json(({ type, offset }) => type === "message" && offset === published);
  // Told by the next progress frame.
  const progress = await command.json(({ type, conflated }) => type === "progress" && conflated > 0);
  assert.equal(progress.conflated, 9 * KEYS);
  await eventually(() => stats().rung === 0);
  const last = hub.publish("load.a", "the end").offset;
  await command.json(({ type, offset }) => type === "message" && offset === last);

  const lines = command.jsonLines();
  assert.equal(lines[0]?.type, "started");
  assert.equal(lines[0]?.overflow, "drop-oldest");
  const states = lines.filter(({ type }) => type === "state");
  // Up and down in turn; more than once only where this process itself was slow at first.
  for (const [index, { state, overflow, rung, epoch }] of states.entries()) {
    const expected =
      index % 2 === 0 ? { overflow: "conflate", rung: 1 } : { overflow: "drop-oldest", rung: 0 };
    assert.deepEqual({ state, overflow, rung, epoch }, { state: "live", ...expected, epoch: hub.epoch });
  }
  const [up, down] = states.slice(-2);
  const at = (line: Json | undefined) => lines.indexOf(line as Json);
  const keyed = lines.filter(({ type, topic }) => type === "message" && topic === "load.b");
  assert.equal(keyed.length, KEYS, "of each key the last");
  assert.deepEqual([up?.rung, down?.rung], [1, 0]);
  assert.ok(at(up) < at(keyed[0]), "the rung is told before what is conflated on it");
  assert.ok(at(down) > at(keyed.at(-1)), "and that it is over behind that");

  const gaps = lines.filter(({ type }) => type === "gap");
  assert.ok(gaps.length > 0);
  for (const gap of gaps) {
    assert.deepEqual([gap.topic, gap.reason, gap.epoch], ["load.a", "overflow", hub.epoch]);
    assert.equal(gap.count, gap.to - gap.from + 1, "only one topic was published then");
    const behind = lines.slice(at(gap) + 1).find(({ type }) => type === "message");
    assert.equal(behind?.offset > gap.to, true, "it stands before what follows the loss");
  }
  const read = lines.filter(({ type }) => type === "message").length;
  const lost = gaps.reduce((sum, { count }) => sum + count, 0);
  assert.equal(read + lost + progress.conflated, last, "everything is told");
});
