import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { describe, test } from "node:test";
import { openLog } from "../../src/cli/log.ts";
import { failOnLeaks } from "../support/leaks.ts";

failOnLeaks();

/** Standard error with a reader that can stop. */
class Pipe extends Writable {
  readonly lines: Record<string, unknown>[] = [];
  #resume: (() => void) | undefined;
  #frozen = false;

  freeze(): void {
    this.#frozen = true;
  }

  async thaw(): Promise<void> {
    this.#frozen = false;
    this.#resume?.();
    await new Promise<void>((resolve) => this.write("", () => resolve()));
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    for (const line of String(chunk).split("\n").filter(Boolean)) this.lines.push(JSON.parse(line));
    if (this.#frozen) this.#resume = done;
    else done();
  }
}

describe("the log of a server", () => {
  test("is one JSON object a line, from its level on", async () => {
    const pipe = new Pipe();
    const { logger, flush } = openLog("info", pipe);
    logger.debug("unheard");
    logger.info({ address: "here" }, "listening");
    await flush();
    assert.deepEqual(
      pipe.lines.map(({ level, msg, address }) => [level, msg, address]),
      [[30, "listening", "here"]],
    );
  });

  test("waits for nobody: what a reader that stopped has no room for is dropped and counted when it reads again", async () => {
    const pipe = new Pipe();
    const { logger, flush } = openLog("info", pipe);
    pipe.freeze();
    const text = "x".repeat(1_000);
    const written = 5_000;
    for (let count = 0; count < written; count++) logger.info({ count }, text);
    assert.ok(pipe.writableLength < 1024 * 1024 + 2_000, `${pipe.writableLength} bytes wait`);
    await pipe.thaw();
    await flush();
    const seen = pipe.lines.filter(({ msg }) => msg === text).length;
    const told = pipe.lines.filter(({ dropped }) => dropped !== undefined);
    assert.deepEqual(
      told.map(({ level, dropped, msg }) => [level, dropped, msg]),
      [[40, written - seen, "lines of this log were dropped: nobody read them in time"]],
    );
    assert.ok(seen > 500 && seen < written, `${seen} lines`);
    logger.info("and on");
    assert.equal(pipe.lines.at(-1)?.msg, "and on");
  });

  test("is written to the end before a process leaves, but not for ever", async () => {
    const pipe = new Pipe();
    const { logger, flush } = openLog("info", pipe);
    pipe.freeze();
    logger.info("one");
    logger.info("two");
    const flushed = flush();
    await pipe.thaw();
    await flushed;
    assert.deepEqual(
      pipe.lines.map(({ msg }) => msg),
      ["one", "two"],
    );
    pipe.freeze();
    logger.info("three");
    // Nobody reads again; it comes back all the same.
    await flush();
    pipe.destroy();
    await flush();
  });
});
