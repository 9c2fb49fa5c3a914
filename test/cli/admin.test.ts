import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, type TestContext, test } from "node:test";
import type { HubOptions, Subscription } from "../../src/fanout/index.ts";
import { eventually, type ServedHub, servedHub } from "../support/grpc-served-hub.ts";
import { ValveSink } from "../support/valve-sink.ts";
import { type Exit, type Run, run, startServer, startSubscriber } from "./run.ts";

/** A server with the admin service, and the command run against it. */
async function start(t: TestContext, hubOptions: HubOptions = {}) {
  const server = await servedHub(t, { admin: {} }, { escalation: [], ...hubOptions });
  return {
    ...server,
    start: (...args: string[]): Run => run(t, [...args, "--address", server.address]),
    spillway: (...args: string[]): Promise<Exit> => run(t, [...args, "--address", server.address]).exit,
  };
}

function attach({ hub }: ServedHub, clientName: string, more: object = {}): Subscription {
  return hub.attach({ patterns: ["load.*"], clientName, ...more }, new ValveSink(), {});
}

/** Takes nothing: its queue is full, and six messages were lost. */
async function fill(server: ServedHub, clientName: string): Promise<Subscription> {
  const sink = new ValveSink({ valve: "shut" });
  const request = { patterns: [clientName], clientName, queue: { messages: 4, bytes: 4_000 } };
  const subscription = server.hub.attach(request, sink, {});
  await eventually(() => sink.outstanding);
  for (let n = 0; n < 10; n++) server.hub.publish(clientName, "x".repeat(100));
  return subscription;
}

const lines = ({ stdout }: Exit): string[] => stdout.split("\n").slice(0, -1);

describe("spillway ls", () => {
  test("has a line for each, the worst first, in aligned columns", async (t) => {
    const server = await start(t);
    const good = attach(server, "good");
    const slow = await fill(server, "slow");
    const exit = await server.spillway("ls", "--window", "1ms");
    assert.deepEqual([exit.code, exit.stderr], [0, ""]);
    const [titles = "", first = "", second = "", ...rest] = lines(exit);
    assert.deepEqual(rest, []);
    assert.deepEqual(titles.split(/ +/), [
      "ID",
      "HEALTH",
      "STATE",
      "CLIENT",
      "POLICY",
      "QUEUE",
      "FULL",
      "LAG",
      "WRITE",
      "IN/S",
      "OUT/S",
      "LOST/S",
      "LOST",
      "TOPICS",
      "FROM",
    ]);
    const cells = first.split(/ {2,}/);
    assert.deepEqual(cells.slice(0, 7), [
      slow.id.slice(0, 8),
      "slow",
      "live",
      "slow",
      "drop-oldest",
      "4",
      "100%",
    ]);
    assert.deepEqual(cells.slice(9), ["0", "0", "0", "6", "slow", "-"]);
    assert.deepEqual(second.split(/ {2,}/).slice(0, 4), [good.id.slice(0, 8), "good", "live", "good"]);
    for (const title of ["HEALTH", "STATE", "CLIENT", "TOPICS"]) {
      const column = titles.indexOf(title);
      for (const line of [first, second]) assert.match(line.slice(column - 2), /^ {2}\S/, title);
    }
  });

  test("--json has one object per subscription, with everything", async (t) => {
    const server = await start(t);
    const { id } = await fill(server, "slow");
    attach(server, "good", { labels: { tier: "gold" } });
    const exit = await server.spillway("ls", "--json", "--no-rates");
    const [first, second, ...rest] = lines(exit).map((line) => JSON.parse(line));
    assert.deepEqual([exit.code, exit.stderr, rest], [0, "", []]);
    assert.deepEqual([first.id, first.health, first.state, first.queued], [id, "slow", "live", 4]);
    assert.deepEqual(first.dropped, { overflow: 6, oversize: 0, "render-failed": 0, "filter-failed": 0 });
    assert.deepEqual(first.capacity, { messages: 4, bytes: 4_000 });
    assert.equal(first.rates, undefined);
    assert.deepEqual([second.clientName, second.health, second.labels], ["good", "good", { tier: "gold" }]);
  });

  test("lists what is asked for, and says how many there are beside", async (t) => {
    const server = await start(t, { classes: { gold: { match: { labels: { tier: "gold" } } } } });
    attach(server, "dash-1", { patterns: ["prices.>"], labels: { tier: "gold" } });
    attach(server, "dash-2", { labels: { tier: "gold" } });
    attach(server, "other");
    await fill(server, "slow");
    const names = async (...args: string[]) =>
      lines(await server.spillway("ls", "--json", "--no-rates", ...args)).map(
        (line) => JSON.parse(line).clientName as string,
      );
    assert.deepEqual(await names("--slow"), ["slow"]);
    assert.deepEqual((await names("--class", "gold")).sort(), ["dash-1", "dash-2"]);
    assert.deepEqual(await names("--class", "gold", "--topic", "prices.EURUSD"), ["dash-1"]);
    assert.deepEqual(await names("--name", "oth"), ["other"]);
    assert.deepEqual(await names("--state", "parked", "--state", "draining"), []);
    assert.deepEqual((await names("--state", "live")).length, 4);
    const worst = await server.spillway("ls", "--limit", "1", "--no-rates");
    assert.match(worst.stdout, /slow/);
    assert.equal(worst.stderr, "spillway: the worst 1 of 4; --limit shows more\n");
    const [titles = ""] = lines(worst);
    assert.doesNotMatch(titles, /IN\/S/, "no rates, no columns for them");
    const classes = await server.spillway("ls", "--class", "gold", "--no-rates");
    assert.match(classes.stdout, /CLASS/);
    const none = await server.spillway("ls", "--name", "nobody");
    assert.deepEqual(none, { code: 0, signal: null, stdout: "", stderr: "spillway: no subscriptions\n" });
  });

  test("with an id shows everything about that one", async (t) => {
    const server = await start(t);
    const { id } = await fill(server, "slow");
    attach(server, "other");
    const { code, stdout } = await server.spillway("ls", id.slice(0, 13), "--window", "1ms");
    assert.equal(code, 0);
    for (const line of [
      new RegExp(`^id +${id}$`, "m"),
      /^client +slow$/m,
      /^health +slow$/m,
      /^queue +4 of 4 messages, 400B of 3.9KiB$/m,
      /^lost +6 messages \(6 overflow\)$/m,
      /^rates +.* over \d+ms$/m,
    ]) {
      assert.match(stdout, line);
    }
    const json = await server.spillway("ls", id, "--json", "--no-rates");
    assert.equal(JSON.parse(json.stdout).id, id);
  });

  test("nothing that a client calls itself breaks a line, reaches the terminal, or moves a column", async (t) => {
    const server = await start(t);
    attach(server, "right\u202eleft");
    attach(server, "日本語".repeat(10));
    attach(server, "plain", { labels: { "\u2028": "x" } });
    const exit = await server.spillway("ls", "--no-rates");
    assert.doesNotMatch(exit.stdout, /[\u202e\u2028]/);
    assert.match(exit.stdout, / right\\u\{202e\}left /);
    assert.match(exit.stdout, / (日本語){3}日本… {2}drop-oldest/, "24 columns of a terminal at most");
  });

  test("--watch lists again and again, until it is stopped", async (t) => {
    const server = await start(t);
    const first = attach(server, "first");
    const command = server.start("ls", "--watch", "--window", "1ms");
    await command.line(/ first /);
    first.end("completed");
    attach(server, "second");
    await command.line(/ second /);
    command.child.kill("SIGTERM");
    const { signal, stderr } = await command.exit;
    assert.deepEqual([signal, stderr], ["SIGTERM", ""]);
  });

  test("--watch ends with its reader", async (t) => {
    const server = await start(t);
    attach(server, "one");
    const command = server.start("ls", "--watch", "--window", "1ms");
    await command.line(/ one /);
    command.child.stdout.destroy();
    const { code, stderr } = await command.exit;
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  });
});

describe("spillway stats", () => {
  test("tells the books in words, and what they were for", async (t) => {
    const server = await start(t);
    await fill(server, "slow");
    attach(server, "gone").end("completed");
    await eventually(() => server.hub.stats().ended.completed === 1);
    const { code, stdout, stderr } = await server.spillway("stats", "--window", "1ms");
    assert.deepEqual([code, stderr], [0, ""]);
    for (const line of [
      /^subscriptions +1 \(1 live\)$/m,
      /^ended +1 \(1 completed\)$/m,
      /^published +10 messages, 1000B, 0\/s now$/m,
      /^lost +6 messages \(6 overflow\), 0\/s now$/m,
      /^queued +4 messages, 400B$/m,
      /^rates +over \d+ms$/m,
    ]) {
      assert.match(stdout, line);
    }
    const quick = await server.spillway("stats", "--no-rates");
    assert.doesNotMatch(quick.stdout, /now|rates/);
  });

  test("--json is one object, whose figures are the hub's", async (t) => {
    const server = await start(t);
    await fill(server, "slow");
    const { stdout } = await server.spillway("stats", "--json", "--no-rates");
    const stats = JSON.parse(stdout);
    const { published, matched, dropped, queued, position, subscriptions } = server.hub.stats();
    assert.deepEqual(
      [stats.published, stats.matched, stats.dropped, stats.queued, stats.position, stats.subscriptions],
      [published, matched, dropped, queued, position, subscriptions],
    );
  });
});

describe("spillway evict", () => {
  test("ends the subscription that the beginning of an id names, and says what it was", async (t) => {
    const server = await start(t);
    const slow = await fill(server, "slow");
    attach(server, "other");
    const exit = await server.spillway("evict", slow.id.slice(0, 12), "--detail", "you sleep");
    assert.deepEqual([exit.code, exit.stderr], [0, ""]);
    assert.equal(exit.stdout, `evicted ${slow.id} (slow): 4 messages were waiting for it, 400B\n`);
    await eventually(() => server.hub.stats().ended.evicted === 1);
    assert.deepEqual(
      [...server.hub.subscriptions()].map(({ clientName }) => clientName),
      ["other"],
    );
  });

  test("ends nothing when the beginning fits several, and names them", async (t) => {
    const server = await start(t);
    // Of 17 ids two begin with the same digit.
    const all = Array.from({ length: 17 }, (_, index) => attach(server, `c${index}`));
    const digits = all.map(({ id }) => id.charAt(0));
    const digit = digits.find((each, index) => digits.indexOf(each) !== index) ?? "";
    const count = digits.filter((each) => each === digit).length;
    const { code, stdout, stderr } = await server.spillway("evict", digit);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(
      stderr,
      new RegExp(`^spillway: ${count} subscriptions have ids that begin with ${digit}: .* c\\d+`),
    );
    assert.equal([...server.hub.subscriptions()].length, 17);
  });
});

describe("spillway config show", () => {
  test("prints what the server shows, line by line, and nothing that would steer a terminal", async (t) => {
    const { address } = await servedHub(t, {
      admin: { effectiveConfig: () => 'hub:\n  epoch: "\u001b[2J"\n' },
    });
    const { code, stdout, stderr } = await run(t, ["config", "show", "--address", address]).exit;
    assert.deepEqual([code, stdout, stderr], [0, 'hub:\n  epoch: "\\u{1b}[2J"\n', ""]);
  });

  test("says that a server shows none", async (t) => {
    const { address } = await start(t);
    const { code, stdout, stderr } = await run(t, ["config", "show", "--address", address]).exit;
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /^spillway: the server at .* shows no configuration: .*no effectiveConfig\n$/);
  });
});

test("a server that was started with --admin answers all of them", async (t) => {
  const { address } = await startServer(t, ["--admin", "--queue-messages", "77"]);
  const { started } = await startSubscriber(t, address, ["a.*", "--name", "me", "--label", "tier=gold"]);
  const ask = (...args: string[]) => run(t, [...args, "--address", address]).exit;
  const { stdout: ls } = await ask("ls", "--json", "--no-rates");
  const report = JSON.parse(ls);
  assert.deepEqual(
    [report.id, report.clientName, report.labels, report.capacity.messages],
    [started.subscriptionId, "me", { tier: "gold" }, 77],
  );
  assert.match((await ask("stats", "--no-rates")).stdout, /^subscriptions +1 \(1 live\)$/m);
  assert.match((await ask("config", "show")).stdout, /^ +messages: 77$/m);
  const evicted = await ask("evict", started.subscriptionId);
  assert.match(evicted.stdout, /^evicted .* \(me\): 0 messages were waiting for it, 0B$/m);
});

describe("what goes wrong is one line on stderr:", () => {
  async function fails(exit: Exit, code: number, line: RegExp): Promise<void> {
    assert.match(exit.stderr, line);
    assert.match(exit.stderr, /^spillway: [^\n]+\n$/, "exactly one line");
    assert.deepEqual([exit.code, exit.stdout], [code, ""]);
  }

  test("a server that has no admin service, and how to turn it on", async (t) => {
    const { address } = await servedHub(t);
    for (const args of [["ls"], ["stats"], ["evict", "a"]]) {
      const exit = await run(t, [...args, "--address", address]).exit;
      await fails(
        exit,
        1,
        new RegExp(
          `the server at ${address} has no admin service: start it with spillway serve --admin, .*admin: \\{ enabled: true \\}`,
        ),
      );
    }
  });

  test("no server", async (t) => {
    const { served, address } = await servedHub(t);
    await served.close();
    for (const args of [["ls"], ["stats"], ["evict", "a"]]) {
      const exit = await run(t, [...args, "--address", address]).exit;
      await fails(exit, 1, /cannot reach a server at/);
    }
  });

  test("a subscription that is not there", async (t) => {
    const { spillway } = await start(t);
    await fails(await spillway("evict", "abc"), 1, /no subscription with an id that begins with abc/);
    await fails(await spillway("ls", "abc"), 1, /no subscription with an id that begins with abc/);
  });

  test("something that is no id", async (t) => {
    const { spillway } = await start(t);
    await fails(
      await spillway("evict", "dash-7*"),
      2,
      /expected an id as spillway ls shows it.*got "dash-7\*"/,
    );
  });

  test("what the server refuses", async (t) => {
    const { spillway } = await start(t);
    await fails(await spillway("ls", "--limit", "10001"), 1, /expected limit of at most 10000, got 10001/);
    await fails(await spillway("stats", "--window", "2m"), 1, /expected window_ms of at most 60000/);
  });

  test("flags that contradict each other", async (t) => {
    const { spillway } = await start(t);
    for (const args of [["--json"], ["--no-rates"], ["abc"]]) {
      await fails(
        await spillway("ls", "--watch", ...args),
        2,
        /--watch goes without an id, --json and --no-rates/,
      );
    }
  });
});

test("a reader that has seen enough ends ls without a word", async (t) => {
  const server = await start(t);
  for (let n = 0; n < 3; n++) attach(server, `c${n}`);
  const command = server.start("ls", "--window", "50ms");
  command.child.stdout.destroy();
  await once(command.child, "exit");
  assert.deepEqual([command.child.exitCode, (await command.exit).stderr], [0, ""]);
});
