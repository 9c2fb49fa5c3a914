import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { ConfigResults } from "../../../bench/config-results.ts";

const main = fileURLToPath(new URL("../../../bench/main.js", import.meta.url));
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

function bench(...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, ["--expose-gc", main, ...args], (error, stdout, stderr) => {
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

  it("says what is wrong with every broken file, and runs nothing", async () => {
    const broken = file("broken.yaml", "hub:\n  overflw: conflate\n  queue: { messages: 0 }\n");
    const { code, stdout, stderr } = await bench(
      "--config",
      broken,
      "--config",
      join(scratch, "missing.yaml"),
    );
    assert.equal(code, 1);
    assert.equal(stdout, "");
    const lines = stderr.trim().split("\n");
    assert.equal(lines.length, 3, stderr);
    assert.match(lines[0]!, /broken\.yaml:2:3: hub\.overflw: .*overflow/);
    assert.match(lines[1]!, /broken\.yaml:3:\d+: hub\.queue\.messages: /);
    assert.match(lines[2]!, /missing\.yaml: there is no such file/);
  });

  it("refuses what does not go together", async () => {
    const small = file("small.yaml", "hub: { maxMessageBytes: 100, maxSubscriptions: 3 }\n");
    const bare = file("bare.yaml", "server: { fanout: false }\n");
    for (const [args, message] of [
      [["--rate", "10"], /--rate goes with --config FILE only/],
      [["--config", small, "--level", "full"], /--level does not go with --config/],
      [["--config", small], /messages of 512 bytes.*hub\.maxMessageBytes of .*small\.yaml, which is 100/],
      [["--config", small, "--size", "16"], /clients exceed hub\.maxSubscriptions/],
      [["--config", bare], /server\.fanout/],
      [["--config", bare, "--slow", "0"], /percentages above 0/],
    ] as const) {
      const { code, stderr } = await bench(...args);
      assert.equal(code, 2, stderr);
      assert.match(stderr, message);
    }
  });
});
