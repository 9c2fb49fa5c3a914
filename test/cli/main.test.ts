import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { describe, type TestContext, test } from "node:test";
import { run, startServer } from "./run.ts";

test("--version is the version of the package", async (t) => {
  const { code, stdout, stderr } = await run(t, ["--version"]).exit;
  const { version } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8"));
  assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: `${version}\n`, stderr: "" });
});

test("--help names every command, and each command's help names its flags", async (t) => {
  const flags = {
    serve: [
      "--config",
      "--listen",
      "--metrics",
      "--admin",
      "--reflection",
      "--log-level",
      "--demo",
      "--preset",
      "--overflow",
      "--allow-block",
      "--retain",
      "--retain-bytes",
      "--retain-latest",
      "--queue-messages",
      "--queue-bytes",
      "127.0.0.1:7070",
    ],
    subscribe: [
      "--address",
      "--from",
      "--overflow",
      "--max-age",
      "--min-interval",
      "--key",
      "--key-prefix",
      "--name",
      "--label",
      "--json",
      "127.0.0.1:7070",
    ],
    config: ["check", "explain", "print-defaults", "schema"],
    publish: [
      "--address",
      "--key",
      "--header",
      "--ttl",
      "--tombstone",
      "--rate",
      "--count",
      "--size",
      "127.0.0.1:7070",
    ],
    ls: [
      "--address",
      "--slow",
      "--state",
      "--class",
      "--name",
      "--topic",
      "--limit",
      "--window",
      "--no-rates",
      "--watch",
      "--json",
      "127.0.0.1:7070",
    ],
    stats: ["--address", "--window", "--no-rates", "--json", "127.0.0.1:7070"],
    evict: ["--address", "--detail", "127.0.0.1:7070"],
  };
  const all = await run(t, ["--help"]).exit;
  assert.equal(all.code, 0);
  for (const [command, names] of Object.entries(flags)) {
    assert.match(all.stdout, new RegExp(`^ {2}${command} `, "m"));
    const { code, stdout } = await run(t, [command, "--help"]).exit;
    assert.equal(code, 0);
    for (const name of names) assert.ok(stdout.includes(name), `${command} --help names ${name}`);
  }
});

/** One line on stderr, nothing on stdout, no stack trace. */
async function fails(t: TestContext, args: readonly string[], code: number, line: RegExp): Promise<void> {
  const exit = await run(t, args).exit;
  assert.match(exit.stderr, line);
  assert.match(exit.stderr, /^spillway: [^\n]+\n$/, "exactly one line");
  assert.doesNotMatch(exit.stderr, / {4}at |node:|\.js:\d/);
  assert.deepEqual([exit.code, exit.stdout], [code, ""]);
}

describe("a wrong command line is one line on stderr and exit code 2:", () => {
  const cases: [name: string, args: string[], line: RegExp][] = [
    ["no command", [], /expected a command: serve, subscribe, publish, ls, stats, evict or config/],
    ["an unknown command", ["frobnicate"], /unknown command 'frobnicate'/],
    ["an unknown flag", ["serve", "--lissten", "x"], /unknown option '--lissten'.*Did you mean --listen/],
    [
      "a flag without its value",
      ["subscribe", "a", "--address"],
      /'-a, --address <host:port>' argument missing/,
    ],
    ["too many arguments", ["publish", "a", "b"], /Expected 1 argument but got 2/],
    ["no pattern", ["subscribe"], /missing required argument 'pattern'/],
    ["a bad listen address", ["serve", "-l", "7070"], /Expected HOST:PORT.*got "7070"/],
    ["a port out of range", ["serve", "-l", "localhost:65536"], /0 to 65535.*got "localhost:65536"/],
    ["port 0 to connect to", ["subscribe", "a", "-a", "localhost:0"], /1 to 65535.*got "localhost:0"/],
    [
      "a bad policy",
      ["serve", "--overflow", "drop"],
      /one of drop-oldest, drop-newest, conflate, park, block, evict.*got "drop"/,
    ],
    ["a bad bound", ["serve", "--queue-bytes", "1k"], /whole number of bytes, at least 1.*got "1k"/],
    ["a bad pattern", ["subscribe", "ok.*", "a.>.b"], /expected a pattern such as .*got "a\.>\.b"/],
    ["a bad topic", ["publish", "a.*"], /expected a topic such as .*got "a\.\*"/],
    ["a bad rate", ["publish", "a", "--rate", "0"], /messages per second above 0.*got "0"/],
    ["a bad count", ["publish", "a", "--count", "-1"], /whole number of messages, at least 1.*got "-1"/],
    ["a bad size", ["publish", "a", "--size", "1e3"], /whole number of bytes, at least 0.*got "1e3"/],
    ["a bad header", ["publish", "a", "--header", "novalue"], /Expected NAME=VALUE.*got "novalue"/],
    ["a bad label", ["subscribe", "a", "--label", "=x"], /Expected NAME=VALUE.*got "=x"/],
    ["a bad start", ["subscribe", "a", "--from", "yesterday"], /Expected live, oldest, .*got "yesterday"/],
    ["a bad age", ["subscribe", "a", "--max-age", "5"], /Expected a time above 0, such as 500ms.*got "5"/],
    ["a bad preset", ["serve", "--preset", "x"], /Expected one of live-state, event-feed, .*got "x"/],
    [
      "park without a log",
      ["serve", "--overflow", "park", "--retain", "0"],
      /the command line: hub\.overflow: .*retention/,
    ],
    ["a bad pattern to retain", ["serve", "--retain-latest", "a..b"], /expected a pattern .*got "a\.\.b"/],
    ["a tombstone without a key", ["publish", "a", "--tombstone"], /a key is deleted: give it with --key/],
    [
      "a tombstone among generated messages",
      ["publish", "a", "--key", "k", "--tombstone", "--count", "2"],
      /goes without --rate, --count and --size/,
    ],
    [
      "a bad state",
      ["ls", "--state", "stalled"],
      /one of live, catching-up, parked, draining, got "stalled"/,
    ],
    ["a bad topic to look for", ["ls", "--topic", "a..b"], /expected a pattern such as .*got "a\.\.b"/],
    ["a bad limit", ["ls", "--limit", "0"], /whole number of subscriptions, at least 1.*got "0"/],
    ["a bad window", ["stats", "--window", "5"], /Expected a time above 0, such as 500ms.*got "5"/],
    ["nobody to evict", ["evict"], /missing required argument 'id'/],
    ["control characters", ["subscribe", "a\u001b[2J.b"], /got "a\\u001b\[2J\.b"/],
  ];
  for (const [name, args, line] of cases) {
    test(name, async (t) => await fails(t, args, 2, line));
  }
});

describe("what goes wrong at run time is one line on stderr and exit code 1:", () => {
  test("a port in use", async (t) => {
    const { address } = await startServer(t);
    await fails(
      t,
      ["serve", "--listen", address],
      1,
      new RegExp(`cannot listen on ${address}: the port is in use`),
    );
  });

  test("a host that is not of this machine", async (t) => {
    await fails(t, ["serve", "--listen", "192.0.2.1:0"], 1, /cannot listen on 192\.0\.2\.1:0/);
  });

  // A port that was free a moment ago, so that nobody answers there.
  async function freeAddress(): Promise<string> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    server.close();
    await once(server, "close");
    return `127.0.0.1:${port}`;
  }

  test("a server that is not there, for subscribe", async (t) => {
    const address = await freeAddress();
    const line = new RegExp(`cannot reach a server at ${address}: connect ECONNREFUSED`);
    await fails(t, ["subscribe", "a", "--address", address], 1, line);
  });

  test("a server that is not there, for publish, though its standard input is still open", async (t) => {
    const address = await freeAddress();
    const line = new RegExp(
      `cannot reach a server at ${address}: connect ECONNREFUSED.*accepted before that: 0`,
    );
    await fails(t, ["publish", "a", "--address", address], 1, line);
  });

  test("a payload that is too large for the server", async (t) => {
    const { address } = await startServer(t);
    const args = ["publish", "a", "--address", address, "--count", "1", "--size"];
    await fails(t, [...args, "1048577"], 1, /at most 1048576 bytes.*got 1048577.*accepted before that: 0/);
    await fails(t, [...args, "8000000"], 1, /expected a gRPC message of at most \d+ bytes, got 80000\d\d/);
  });

  test("something that listens but is no such server", async (t) => {
    const sockets: { destroy(): void }[] = [];
    const server = createServer((socket) => {
      sockets.push(socket.on("error", () => {}));
      socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    const { port } = server.address() as { port: number };
    await fails(t, ["subscribe", "a", "--address", `127.0.0.1:${port}`], 1, /cannot reach a server at 127/);
  });
});
