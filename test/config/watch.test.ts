/** A file that changes, over a clock that is moved by hand: every look is awaited, so nothing here waits for time. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { Clock } from "../../src/clock.ts";
import {
  ConfigError,
  type ConfigWatch,
  type LoadedConfig,
  loadConfig,
  type WatchOptions,
  watchConfig,
} from "../../src/config/index.ts";
import { systemClock } from "../../src/index.ts";

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "spillway-config-"));
  file = join(folder, "c.yaml");
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A watch that looks when it is told to. */
class Watching {
  /** Levels that were told, and problems. */
  readonly told: string[] = [];
  readonly watch: ConfigWatch;
  intervalMs: number | undefined;
  stopped = 0;
  #look: () => unknown = () => undefined;

  constructor(
    options: Partial<WatchOptions> = {},
    load: () => Promise<LoadedConfig> = () => loadConfig({ file }),
  ) {
    const clock: Clock = {
      ...systemClock,
      every: (ms, run) => {
        this.intervalMs = ms;
        this.#look = run;
        return () => {
          this.stopped++;
        };
      },
    };
    this.watch = watchConfig(load, file, {
      clock,
      onChange: ({ config }) => {
        this.told.push(String(config.log?.level));
      },
      onError: (error) => {
        this.told.push(error instanceof ConfigError ? `${error.problems.length} wrong` : String(error));
      },
      ...options,
    });
  }

  /** Resolves when the look is over, and what follows from it. */
  async look(times = 1): Promise<void> {
    for (let time = 0; time < times; time++) await this.#look();
  }
}

function write(level: string): void {
  writeFileSync(file, `log: { level: ${level} }\n`);
}

describe("a watched file", () => {
  it("is told when it has changed, and has been the same twice: not before, and once", async () => {
    write("info");
    const watching = new Watching();
    await watching.look(3);
    write("warn");
    await watching.look();
    assert.deepEqual(watching.told, []);
    await watching.look(5);
    assert.deepEqual(watching.told, ["warn"]);
    assert.equal(watching.intervalMs, 1_000);
  });

  it("is not told while it is half written", async () => {
    write("info");
    const watching = new Watching();
    await watching.look();
    writeFileSync(file, "");
    await watching.look();
    writeFileSync(file, "log: { lev");
    await watching.look();
    write("warn");
    await watching.look(2);
    assert.deepEqual(watching.told, ["warn"]);
  });

  it("is told when it only looks touched: not at all", async () => {
    write("info");
    const watching = new Watching();
    await watching.look();
    write("info");
    await watching.look(3);
    assert.deepEqual(watching.told, []);
  });

  it("may be replaced by another file of its name, as editors do", async () => {
    write("info");
    const watching = new Watching();
    await watching.look();
    renameSync(file, `${file}~`);
    await watching.look();
    writeFileSync(`${file}.new`, "log: { level: debug }");
    renameSync(`${file}.new`, file);
    await watching.look(2);
    assert.deepEqual(watching.told, ["debug"]);
  });

  it("may be a link into a folder that is swapped, as mounted ConfigMaps are", async () => {
    for (const [version, level] of [
      ["v1", "info"],
      ["v2", "error"],
    ] as const) {
      mkdirSync(join(folder, version));
      writeFileSync(join(folder, version, "c.yaml"), `log: { level: ${level} }`);
    }
    symlinkSync("v1", join(folder, "..data"));
    symlinkSync(join("..data", "c.yaml"), file);
    const watching = new Watching();
    await watching.look();
    symlinkSync("v2", join(folder, "..next"));
    renameSync(join(folder, "..next"), join(folder, "..data"));
    await watching.look(2);
    assert.deepEqual(watching.told, ["error"]);
  });

  it("is told to be wrong once for each content, and right again when it is", async () => {
    write("info");
    const watching = new Watching();
    await watching.look();
    writeFileSync(file, "log: { level: 5, x: 1 }");
    await watching.look(5);
    assert.deepEqual(watching.told, ["2 wrong"]);
    writeFileSync(file, "log: { level: 6 }");
    await watching.look(5);
    write("info");
    await watching.look(5);
    assert.deepEqual(watching.told, ["2 wrong", "1 wrong", "info"]);
  });

  it("is told to be gone once, and to be back", async () => {
    write("info");
    const watching = new Watching();
    await watching.look();
    unlinkSync(file);
    await watching.look(5);
    assert.deepEqual(watching.told, ["1 wrong"]);
    write("info");
    await watching.look(2);
    assert.deepEqual(watching.told, ["1 wrong", "info"]);
  });

  it("is compared with what was loaded before, if that is given", async () => {
    write("info");
    const since = await loadConfig({ file });
    write("warn");
    const watching = new Watching({ since });
    await watching.look(2);
    assert.deepEqual(watching.told, ["warn"]);
  });

  it("is loaded at once when that is asked for, changed or not, right or wrong", async () => {
    write("info");
    const watching = new Watching();
    await watching.watch.reload();
    await watching.watch.reload();
    writeFileSync(file, "log: 5");
    await watching.watch.reload();
    assert.deepEqual(watching.told, ["info", "info", "1 wrong"]);
    // And is known then.
    await watching.look(3);
    assert.equal(watching.told.length, 3);
  });

  it("is loaded one at a time, and once for all who ask while another load runs", async () => {
    write("info");
    const gates: (() => void)[] = [];
    let running = 0;
    let most = 0;
    const watching = new Watching({
      onChange: async () => {
        most = Math.max(most, ++running);
        await new Promise<void>((resolve) => gates.push(resolve));
        running--;
        watching.told.push("told");
      },
    });
    const reloads = [watching.watch.reload()];
    while (gates.length === 0) await new Promise(setImmediate);
    reloads.push(watching.watch.reload(), watching.watch.reload(), watching.watch.reload());
    assert.equal(reloads[1], reloads[2]);
    gates[0]?.();
    await reloads[0];
    while (gates.length === 1) await new Promise(setImmediate);
    gates[1]?.();
    await Promise.all(reloads);
    assert.deepEqual(watching.told, ["told", "told"]);
    assert.equal(most, 1);
  });

  it("is told what onChange threw, and goes on", async () => {
    write("info");
    let isFirst = true;
    const watching = new Watching({
      onChange: () => {
        if (!isFirst) return void watching.told.push("told");
        isFirst = false;
        throw new Error("not now");
      },
    });
    await watching.watch.reload();
    await watching.watch.reload();
    assert.deepEqual(watching.told, ["Error: not now", "told"]);
  });

  it("is left alone after stop", async () => {
    write("info");
    const watching = new Watching();
    await watching.look();
    write("warn");
    await watching.look();
    watching.watch.stop();
    await watching.look(2);
    await watching.watch.reload();
    assert.deepEqual(watching.told, []);
    assert.equal(watching.stopped, 1);
  });

  it("does not keep the process alive, and is looked at as often as asked", () => {
    write("info");
    assert.equal(new Watching({ intervalMs: 50 }).intervalMs, 50);
    const before = process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    const watch = watchConfig(() => loadConfig({ file }), file, { onChange: () => {}, onError: () => {} });
    const after = process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    assert.equal(after, before);
    watch.stop();
  });
});
