/** `spillway config`, and where `spillway serve` has its configuration from. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { type Json, run, startServer, startSubscriber } from "./run.ts";

function fileOf(t: TestContext, text: string): string {
  const file = join(temporaryFolder(t), "spillway.yaml");
  writeFileSync(file, text);
  return file;
}

const WRONG = "hub:\n  overflow: drop\n  queue:\n    mesages: 5\n  stallTimeout: 5\n";
const RIGHT = `hub:
  queue: { messages: 512 }
  topics:
    "prices.>": { preset: live-state, linger: 5ms }
    "cpu": {}
  classes:
    dashboards: { match: { clientName: "dash-*" }, overflow: conflate }
`;

describe("spillway config check", () => {
  test("prints everything that is wrong, one line each with its place, and exits with 1", async (t) => {
    const file = fileOf(t, WRONG);
    const { code, stdout, stderr } = await run(t, ["config", "check", file]).exit;
    assert.deepEqual([code, stdout], [1, ""]);
    const lines = stderr.trimEnd().split("\n");
    assert.equal(lines.length, 3, stderr);
    assert.match(lines[0] ?? "", /spillway\.yaml:2:\d+: hub\.overflow: .*drop-oldest/);
    assert.match(lines[1] ?? "", /spillway\.yaml:4:\d+: hub\.queue\.mesages: .*messages/);
    assert.match(lines[2] ?? "", /spillway\.yaml:5:\d+: hub\.stallTimeout: expected a time/);
    for (const line of lines) assert.ok(line.startsWith(file), line);
  });

  test("prints what counts for each pattern and class, where it was said, and the memory that it allows", async (t) => {
    const file = fileOf(t, RIGHT);
    const { code, stdout, stderr } = await run(t, ["config", "check", file]).exit;
    assert.deepEqual([code, stderr], [0, ""]);
    const sections = new Map(
      stdout.split("\n\n").map((section) => {
        const [title = "", ...rows] = section.trim().split("\n");
        return [title, rows.map((row) => row.trim().split(/ {2,}/))];
      }),
    );
    const every = sections.get("every subscriber:") ?? [];
    assert.deepEqual(
      every.find(([option]) => option === "queue.messages"),
      ["queue.messages", "512", `hub.queue.messages (${file}:2:12)`],
    );
    assert.deepEqual(
      every.find(([option]) => option === "overflow"),
      ["overflow", "drop-oldest", "default"],
    );
    const prices = sections.get("subscribers of prices.>: as every subscriber, but") ?? [];
    assert.deepEqual(prices.find(([option]) => option === "overflow")?.slice(0, 2), ["overflow", "conflate"]);
    assert.match(
      prices.find(([option]) => option === "overflow")?.[2] ?? "",
      /hub\.topics\."prices\.>"\.preset = live-state \(.*:4:/,
    );
    assert.deepEqual(prices.find(([option]) => option === "linger")?.slice(0, 2), ["linger", "5ms"]);
    assert.ok(prices.every(([option]) => option !== "queue.messages"));
    assert.ok(sections.has("subscribers of cpu: as every subscriber"));
    assert.ok(sections.has("class dashboards: as every subscriber, but"));
    assert.ok(sections.has("class dashboards, subscribers of prices.>: as every subscriber, but"));
    assert.match(stdout, /^memory at worst, of subscribers/m);
    assert.match(stdout, /^ {2}every subscriber +\d+\.\d [KM]iB +\d+\.\d MiB$/m);
    assert.match(stdout, /^ {2}all 100000, each with messages of its own +\d+\.\d [GT]iB +\d+\.\d TiB$/m);
    assert.match(stdout, /^ {2}all 100000, with the same messages +\d+\.\d GiB$/m);
    assert.match(
      stdout,
      /^memory at worst, of what is retained:\n {2}every topic +0 bytes\n {2}all 100000 +0 bytes$/m,
    );
  });

  test("--json says the same as one object, and exits with the same code", async (t) => {
    const right = await run(t, ["config", "check", "--json", fileOf(t, RIGHT)]).exit;
    const { valid, policies, memory } = JSON.parse(right.stdout);
    assert.deepEqual([right.code, valid, policies.length], [0, true, 6]);
    assert.ok(memory.total.standard > 0 && memory.total.most >= memory.total.standard);
    const wrong = await run(t, ["config", "check", "--json", fileOf(t, WRONG)]).exit;
    const { valid: isValid, problems } = JSON.parse(wrong.stdout);
    assert.deepEqual([wrong.code, isValid, problems.length], [1, false, 3]);
    assert.deepEqual(Object.keys(problems[0]).sort(), ["message", "path", "where"]);
  });

  test("counts the variables before the file, and finds what is wrong with them", async (t) => {
    const file = fileOf(t, RIGHT);
    const env = { SPILLWAY_HUB_QUEUE_MESSAGES: "7", SPILLWAY_HUB_QUEUE_BYTE: "5" };
    const { code, stderr } = await run(t, ["config", "check", file], { env }).exit;
    assert.equal(code, 1);
    assert.match(stderr, /^SPILLWAY_HUB_QUEUE_BYTE: .*did you mean SPILLWAY_HUB_QUEUE_BYTES\?\n$/);
    const { SPILLWAY_HUB_QUEUE_MESSAGES } = env;
    const right = await run(t, ["config", "check", file], { env: { SPILLWAY_HUB_QUEUE_MESSAGES } }).exit;
    assert.match(right.stdout, /queue\.messages +7 +hub\.queue\.messages \(SPILLWAY_HUB_QUEUE_MESSAGES\)/);
  });

  test("a file that is not there is told like anything that is wrong", async (t) => {
    const { code, stderr } = await run(t, ["config", "check", "/nowhere/spillway.yaml"]).exit;
    assert.deepEqual([code, stderr], [1, "/nowhere/spillway.yaml: there is no such file\n"]);
  });

  test("what strangers write into a file does not reach the terminal", async (t) => {
    const { stderr } = await run(t, ["config", "check", fileOf(t, 'hub: { "\\e[2Jx": 1 }\n')]).exit;
    assert.ok(!stderr.includes("\u001b"), stderr);
    assert.match(stderr, /unknown key/);
  });
});

describe("spillway config print-defaults", () => {
  test("prints a file that is right, and changes nothing", async (t) => {
    const { code, stdout } = await run(t, ["config", "print-defaults"]).exit;
    assert.equal(code, 0);
    assert.match(stdout, /^ *#/m);
    const file = fileOf(t, stdout);
    const checked = await run(t, ["config", "check", "--json", file]).exit;
    assert.equal(checked.code, 0, checked.stderr);
    const empty = await run(t, ["config", "check", "--json", fileOf(t, "")]).exit;
    const values = ({ stdout }: { readonly stdout: string }) =>
      JSON.parse(stdout).policies[0].subscriber.map(({ option, value }: Json) => [option, value]);
    assert.deepEqual(values(checked), values(empty));
  });
});

describe("spillway config explain", () => {
  test("says every value that counts for a topic and a class, and why", async (t) => {
    const file = fileOf(t, RIGHT);
    const args = ["config", "explain", file, "--topic", "prices.EURUSD", "--class", "dashboards"];
    const { code, stdout } = await run(t, args).exit;
    assert.equal(code, 0);
    assert.match(stdout, /^class dashboards, subscribers of prices\.EURUSD:$/m);
    assert.match(
      stdout,
      /^ {2}overflow +conflate +hub\.classes\.dashboards\.overflow \(.*spillway\.yaml:7:/m,
    );
    assert.match(stdout, /^ {2}queue\.bytes +1MiB +default$/m);
    assert.match(stdout, /^ {2}linger +5ms +hub\.topics\."prices\.>"\.linger \(/m);
    assert.match(stdout, /^ {2}server\.listen +127\.0\.0\.1:7070 +default$/m);
    const json = JSON.parse((await run(t, [...args, "--json"]).exit).stdout);
    assert.deepEqual([json.patterns, json.className], [["prices.EURUSD"], "dashboards"]);
  });

  test("a class that is not there, or a pattern that is none, is a wrong command line", async (t) => {
    const file = fileOf(t, RIGHT);
    const unknown = await run(t, ["config", "explain", file, "-t", "a", "--class", "dashboard"]).exit;
    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, /^spillway: --class: .*dashboards[^\n]*\n$/);
    const bad = await run(t, ["config", "explain", file, "-t", "a..b"]).exit;
    assert.equal(bad.code, 2);
    assert.match(bad.stderr, /expected a pattern/);
    const none = await run(t, ["config", "explain", file]).exit;
    assert.equal(none.code, 2);
  });
});

test("spillway config schema prints the schema that the package ships", async (t) => {
  const { code, stdout } = await run(t, ["config", "schema"]).exit;
  assert.equal(code, 0);
  const shipped = readFileSync(new URL("../../../config.schema.json", import.meta.url), "utf8");
  assert.deepEqual(JSON.parse(stdout), JSON.parse(shipped));
});

describe("spillway serve", () => {
  /** What a newcomer is granted. */
  async function granted(t: TestContext, flags: readonly string[], env: Record<string, string> = {}) {
    const { address } = await startServer(t, flags, "127.0.0.1:0", { env });
    const { started } = await startSubscriber(t, address, ["a"]);
    return { overflow: started.overflow, ...started.queue };
  }

  test("takes each value from the flags, else from a variable, else from the file, else the default", async (t) => {
    const file = fileOf(t, "hub: { overflow: conflate, queue: { messages: 10 } }\n");
    const bytes = 1_048_576;
    assert.deepEqual(await granted(t, ["--config", file]), { overflow: "conflate", messages: 10, bytes });
    const env = { SPILLWAY_HUB_QUEUE_MESSAGES: "20", SPILLWAY_HUB_QUEUE_BYTES: "64KiB" };
    assert.deepEqual(await granted(t, ["--config", file], env), {
      overflow: "conflate",
      messages: 20,
      bytes: 65_536,
    });
    assert.deepEqual(await granted(t, ["--config", file, "--queue-messages", "30"], env), {
      overflow: "conflate",
      messages: 30,
      bytes: 65_536,
    });
    assert.deepEqual(await granted(t, [], { ...env, SPILLWAY_CONFIG: file }), {
      overflow: "conflate",
      messages: 20,
      bytes: 65_536,
    });
  });

  test("a flag's file counts before the variable's, and an empty variable names none", async (t) => {
    const file = fileOf(t, "hub: { overflow: conflate }\n");
    const env = { SPILLWAY_CONFIG: "/nowhere.yaml" };
    assert.equal((await granted(t, ["-c", file], env)).overflow, "conflate");
    assert.equal((await granted(t, [], { SPILLWAY_CONFIG: "" })).overflow, "drop-oldest");
  });

  test("retains something where there is no file, unless a flag, a variable or a preset says otherwise", async (t) => {
    const retained = async (flags: readonly string[], env: Record<string, string> = {}): Promise<boolean> => {
      const { code, stderr } = await startAndStop(t, [...flags, "--overflow", "park"], env);
      if (code === 0) return true;
      assert.match(stderr, /retention/);
      return false;
    };
    assert.equal(await retained([]), true);
    assert.equal(await retained(["--retain", "0"]), false);
    assert.equal(await retained(["--config", fileOf(t, "")]), false);
    assert.equal(await retained([], { SPILLWAY_HUB_RETENTION: "false" }), false);
    assert.equal(await retained([], { SPILLWAY_HUB_PRESET: "audit-log" }), true);
    assert.equal(await retained(["--config", fileOf(t, ""), "--retain", "2000"]), true);
  });

  test("a mistyped variable is a line with the nearest name, and exit code 2", async (t) => {
    const env = { SPILLWAY_HUB_QUEUE_MESAGES: "20" };
    const { code, stdout, stderr } = await run(t, ["serve", "-l", "127.0.0.1:0"], { env }).exit;
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(
      stderr,
      /^spillway: SPILLWAY_HUB_QUEUE_MESAGES: .*did you mean SPILLWAY_HUB_QUEUE_MESSAGES\?\n$/,
    );
  });

  test("a wrong file is one line for each problem, and exit code 2", async (t) => {
    const { code, stderr } = await run(t, ["serve", "--config", fileOf(t, WRONG)]).exit;
    assert.equal(code, 2);
    assert.match(stderr, /^(spillway: [^\n]+spillway\.yaml:\d+:\d+: hub\.[^\n]+\n){3}$/);
  });

  test("what flags contradict is told as the command line's", async (t) => {
    const { code, stderr } = await run(t, ["serve", "--overflow", "park", "--retain", "0"]).exit;
    assert.equal(code, 2);
    assert.match(stderr, /^spillway: the command line: hub\.overflow: [^\n]*retention[^\n]*\n$/);
  });

  async function startAndStop(t: TestContext, flags: readonly string[], env: Record<string, string>) {
    const process = run(t, ["serve", "-l", "127.0.0.1:0", ...flags], { env });
    await Promise.race([
      process.line(/listening/).then(() => process.child.kill("SIGTERM")),
      process.exit,
    ]).catch(() => {});
    return await process.exit;
  }
});

test("the help of every config command names its flags", async (t) => {
  const expected = {
    check: ["--json"],
    explain: ["--topic", "--class", "--json"],
    "print-defaults": [],
    schema: [],
  };
  const { code, stdout } = await run(t, ["config", "--help"]).exit;
  assert.equal(code, 0);
  for (const [command, flags] of Object.entries(expected)) {
    assert.match(stdout, new RegExp(`^ {2}${command}\\b`, "m"));
    const help = await run(t, ["config", command, "--help"]).exit;
    assert.equal(help.code, 0);
    for (const flag of flags) assert.ok(help.stdout.includes(flag), `${command} ${flag}`);
  }
});
