import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import { Backlog } from "../../bench/systems/backlog.ts";
import { boundedArray } from "../../bench/systems/bounded.ts";
import { loadSystem, moduleUrl } from "../../bench/systems/load.ts";
import { deliver, lossNotice } from "../../bench/systems/loss-notice.ts";
import { startProgram } from "../../bench/systems/program.ts";
import { TurnBatch } from "../../bench/systems/turn-batch.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { runs } from "../support/property.ts";

failOnLeaks();

describe("a loss notice", () => {
  const told = (payload: Buffer) => {
    const heard: unknown[] = [];
    deliver(payload, { message: (bytes) => heard.push(bytes), lost: (count) => heard.push(count) });
    return heard;
  };

  it("comes out as the count that it was made of", () => {
    for (const count of [0, 1, 77, 0xffff_fffe]) assert.deepEqual(told(lossNotice(count)), [count]);
  });

  it("says that nobody knows where nobody does, and where the count does not fit", () => {
    for (const count of [undefined, 0xffff_ffff, 2 ** 40])
      assert.deepEqual(told(lossNotice(count)), [undefined]);
  });

  it("is not seen in a payload, even one that begins like it", () => {
    const payload = Buffer.alloc(16, 0xff);
    assert.deepEqual(told(payload), [payload]);
    const short = Buffer.alloc(12, 1);
    assert.deepEqual(told(short), [short]);
  });

  it("may come to somebody who does not want to know", () => {
    deliver(lossNotice(3), { message: () => assert.fail("it is no message") });
  });
});

describe("a backlog", () => {
  it("gives back what was put in, in order, however putting and taking take turns", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(3_000), fc.nat(3_000)), { maxLength: 8 }), (turns) => {
        const backlog = new Backlog();
        const plain: Uint8Array[] = [];
        for (const [pushed, taken] of turns) {
          for (let count = 0; count < pushed; count++) {
            const payload = new Uint8Array(0);
            backlog.push(payload);
            plain.push(payload);
          }
          for (let count = 0; count < taken; count++) assert.equal(backlog.shift(), plain.shift());
        }
      }),
      runs(50),
    );
  });

  it("lets whoever takes from it sleep until there is something", async () => {
    const backlog = new Backlog();
    const taken = backlog.take();
    const payload = new Uint8Array(1);
    backlog.push(payload);
    assert.equal(await taken, payload);
  });
});

describe("a bounded array", () => {
  it("keeps the newest, as many as it may hold, in order", () => {
    const waiting = boundedArray(3);
    const payloads: Uint8Array[] = Array.from({ length: 5 }, () => new Uint8Array(1));
    for (const payload of payloads) waiting.push(payload);
    const taken = Array.from({ length: 4 }, () => waiting.shift());
    assert.deepEqual(
      taken.map((payload) => payload && payloads.indexOf(payload)),
      [2, 3, 4, undefined],
    );
  });
});

describe("a batch of a turn", () => {
  it("hands on what was added in one turn as one buffer, and the next turn's as another", async () => {
    const flushed: string[] = [];
    const batch = new TurnBatch((bytes) => flushed.push(String(bytes)));
    batch.add(Buffer.from("a"), Buffer.from("b"));
    batch.add(Buffer.from("c"));
    assert.deepEqual(flushed, []);
    await setImmediate();
    assert.deepEqual(flushed, ["abc"]);
    batch.add(Buffer.from("d"));
    await setImmediate();
    assert.deepEqual(flushed, ["abc", "d"]);
  });
});

describe("a program", () => {
  const node = (code: string, ready: RegExp) => startProgram(process.execPath, ["-e", code], ready);

  it("is there when it has said so, and gone when it is stopped", async () => {
    const program = await node('console.error("port " + 77); setInterval(() => {}, 1000)', /port (\d+)/);
    assert.equal(program.ready[1], "77");
    assert.equal(program.pid, program.child.pid);
    await program.stop();
    assert.equal(program.child.signalCode, "SIGTERM");
  });

  it("is killed when it does not end by itself", async () => {
    const stubborn = 'process.on("SIGTERM", () => {}); console.log("ready"); setInterval(() => {}, 1000)';
    const program = await node(stubborn, /ready/);
    await program.stop();
    assert.equal(program.child.signalCode, "SIGKILL");
  });

  it("that ends before it is ready is an error with what it said", async () => {
    await assert.rejects(node('console.log("the port is taken")', /ready/), /the port is taken/);
  });

  it("that does not exist is an error", async () => {
    await assert.rejects(startProgram("no-such-program", [], /ready/), { code: "ENOENT" });
  });
});

describe("loading a system", () => {
  const written = (t: TestContext, code: string): string => {
    const folder = mkdtempSync(join(tmpdir(), "system-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const path = join(folder, "my-system.mjs");
    writeFileSync(path, code);
    return path;
  };
  const whole = "{ name: 'mine', kind: 'peer', about: 'x', probe() {}, start() {}, subscribe() {} }";

  it("takes a path from the working directory, an absolute one, or a URL", async (t) => {
    const path = written(t, `export default ${whole};`);
    for (const module of [path, relative(process.cwd(), path), moduleUrl(path)]) {
      assert.equal((await loadSystem(module)).name, "mine");
    }
  });

  it("says what is wrong with one that is none", async (t) => {
    for (const [code, complaint] of [
      ["export const system = 1;", /default export, got undefined/],
      [`export default ${whole.replace("'mine'", "7")};`, /must have a name, got 7/],
      [`export default ${whole.replace("'peer'", "'rival'")};`, /kind of system mine must be .* got rival/],
      [`export default ${whole.replace("start", "begin")};`, /mine has no function start/],
    ] as const) {
      await assert.rejects(loadSystem(written(t, code)), complaint);
    }
  });
});
