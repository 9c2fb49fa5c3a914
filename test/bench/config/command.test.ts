import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { addConfigOptions, contradiction } from "../../../bench/config-command.ts";
import type { ConfigResults } from "../../../bench/config-results.ts";
import { compareUnder } from "../../../bench/configurations.ts";
import type { SpillwayConfig } from "../../../src/config/index.ts";

const main = fileURLToPath(new URL("../../../bench/main.js", import.meta.url));
const spillway = fileURLToPath(new URL("../../../src/cli/main.js", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "spillway-bench-config-"));
after(() => rmSync(scratch, { recursive: true }));

const SMALL = ["--seconds", "1", "--trials", "1", "--rate", "200", "--subscribers", "1", "--slow", "20"];

function file(name: string, text: string): string {
  const path = join(scratch, name);
  writeFileSync(path, text);
  return path;
}

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const bench = (...args: readonly string[]) => run("--expose-gc", main, ...args);

function run(...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, args, (error, stdout, stderr) => {
      resolve({
        code: typeof error?.code === "number" ? error.code : error === null ? 0 : -1,
        stdout,
        stderr,
      });
    });
  });
}

describe("npm run bench -- --config", () => {
  it("measures two configurations side by side, and every message is in the books", async () => {
    const a = file(
      "a.yaml",
      "hub:\n  queue: { messages: 20 }\n  classes:\n    gold: { match: { labels: { tier: gold } } }\n",
    );
    const b = file(
      "b.yaml",
      "hub:\n  queue: { messages: 20 }\n  classes:\n    gold: { match: { labels: { tier: gold } }, overflow: conflate }\n",
    );
    const json = join(scratch, "results.json");
    const { code, stdout, stderr } = await bench("--config", a, "--config", b, "--json", json, ...SMALL);
    assert.equal(code, 0, `${stdout}\n${stderr}`);
    assert.match(stdout, /hub\.classes\.gold\.overflow +not said +conflate/);
    assert.match(stdout, /gold: slow, reads 40\/s × 1/);
    assert.match(stdout, /A single short run/);

    const results = JSON.parse(readFileSync(json, "utf8")) as ConfigResults;
    assert.equal(results.command, `npm run bench -- --config a.yaml --config b.yaml ${SMALL.join(" ")}`);
    assert.deepEqual(
      results.configs.map(({ letter, file: name, trials }) => [letter, name, trials.length]),
      [
        ["A", "a.yaml", 1],
        ["B", "b.yaml", 1],
      ],
    );
    const ids = results.kinds.map(({ id }) => id).sort();
    for (const { letter, trials } of results.configs) {
      for (const { problems, kinds, server } of trials) {
        assert.deepEqual(problems, []);
        assert.deepEqual(Object.keys(kinds).sort(), ids);
        assert.equal(server?.publishes, 200);
        for (const [id, { hub, client, treatment }] of Object.entries(kinds)) {
          const dropped = Object.values(hub.dropped).reduce((sum, count) => sum + count, 0);
          const { delivered, conflated, expired, discarded, waiting } = hub;
          assert.equal(
            hub.waitedBefore + hub.matched,
            delivered + dropped + conflated + expired + discarded + waiting,
            id,
          );
          assert.equal(client.expected, 200 * client.subscribers, id);
          assert.equal(client.expected, client.read + client.told + client.missing + client.undelivered, id);
          assert.equal(treatment.class, id.startsWith("gold/") ? "gold" : undefined, id);
          assert.equal(
            treatment.overflow,
            letter === "B" && id.startsWith("gold/") ? "conflate" : "drop-oldest",
          );
        }
        const slow = kinds["gold/slow 20 %"]!;
        // Whatever the machine does, it reads 40 of 200 messages at most, give or take what a late timer makes up for.
        assert.ok(slow.client.read < 100 && slow.client.read > 0, `${slow.client.read} read`);
        assert.equal(kinds["gold/returning"]!.client.comebacks, 2);
      }
    }
  });

  it("says what is wrong with every broken file as `spillway config check` does, and runs nothing", async () => {
    const broken = file("broken.yaml", "hub:\n  overflw: conflate\n  queue: { messages: 0 }\n");
    const missing = join(scratch, "missing.yaml");
    const { code, stdout, stderr } = await bench("--config", broken, "--config", missing);
    assert.equal(code, 1);
    assert.equal(stdout, "");
    const checks = await Promise.all([broken, missing].map((path) => run(spillway, "config", "check", path)));
    assert.equal(stderr, checks.map((check) => check.stderr).join(""));
    assert.match(stderr, /broken\.yaml:2:3: hub\.overflw: .*overflow/);
  });

  it("refuses what does not go together", async () => {
    const { code, stderr } = await bench("--rate", "10");
    assert.equal(code, 2);
    assert.match(stderr, /error: --rate goes with --config FILE only/);
    const parsed = (...args: readonly string[]) => {
      const command = new Command().option("--level <level>").option("--trials <n>").exitOverride();
      return addConfigOptions(command.configureOutput({ writeErr: () => {} })).parse(args, { from: "user" });
    };
    assert.match(
      contradiction(parsed("--config", "a", "--level", "full"))!,
      /--level does not go with --config/,
    );
    assert.equal(contradiction(parsed("--config", "a", "--rate", "10", "--trials", "3")), undefined);
    assert.equal(contradiction(parsed("--trials", "3")), undefined);
    for (const [wrong, message] of [
      [["--slow", "0"], /percentages above 0/],
      [["--slow", "10,10"], /percentages above 0/],
      [["--seconds", "0"], /whole number from 1/],
      [["--size", "15"], /whole number from 16/],
    ] as const) {
      assert.throws(() => parsed("--config", "a", ...wrong), message);
    }
    assert.deepEqual(parsed("--slow", "none").opts().slow, []);
    assert.deepEqual(parsed("--slow", "12.5,80").opts().slow, [12.5, 80]);
  });

  it("refuses a load that a configuration would refuse", () => {
    const under = {
      subscribers: 8,
      slow: [],
      cross: false,
      rate: 10,
      payloadBytes: 512,
      keys: 1,
      seconds: 1,
    };
    const refusal = (config: SpillwayConfig, special = {}) => {
      const loaded = { config, file: "x.yaml", text: undefined, origins: { of: () => undefined } };
      return () => compareUnder([loaded], { ...under, ...special });
    };
    assert.throws(
      refusal({ hub: { maxMessageBytes: 100 } }),
      /messages of 512 bytes.* hub\.maxMessageBytes of x\.yaml, which is 100/,
    );
    refusal({ hub: { maxMessageBytes: 100 } }, { payloadBytes: 16 })();
    assert.throws(
      refusal({ hub: { maxSubscriptions: 9 } }),
      /10 clients exceed hub\.maxSubscriptions of x\.yaml/,
    );
    refusal({ hub: { maxSubscriptions: 10 } })();
    assert.throws(refusal({ server: { fanout: false } }), /x\.yaml leaves out with server\.fanout/);
  });
});
