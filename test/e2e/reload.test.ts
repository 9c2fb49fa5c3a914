/** `spillway serve --config FILE` whose file changes, by every way that files change, while clients are there. */
import assert from "node:assert/strict";
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { type Json, publish, type Run, startServer, startSubscriber } from "../cli/run.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

failOnLeaks();

const CHANGED = /^the configuration has changed$/;
const WRONG = /^the configuration is wrong: it stays as it was$/;
const REFUSED = /^the configuration was refused: it stays as it was$/;

/** A server with this file. */
async function scene(t: TestContext, text: string) {
  const file = join(temporaryFolder(t), "spillway.yaml");
  writeFileSync(file, text);
  const { process: server, address } = await startServer(t, ["--config", file]);
  return { file, server, address };
}

/** What a newcomer who asks for nothing is granted. */
async function granted(t: TestContext, address: string): Promise<Json> {
  const { process, started } = await startSubscriber(t, address, ["a"]);
  process.child.kill("SIGTERM");
  await process.exit;
  return { overflow: started.overflow, messages: started.queue.messages };
}

/** Changes the file where SIGHUP cannot be too early, and waits for what comes of it. */
async function reload(server: Run, outcome: RegExp, change: () => void): Promise<Json> {
  const before = server.log.length;
  change();
  server.child.kill("SIGHUP");
  return await server.logged(outcome, before);
}

describe("a change of the file", () => {
  test("counts on SIGHUP, for those who are there and for newcomers, and one line says what is different", async (t) => {
    const { file, server, address } = await scene(t, "hub: { queue: { messages: 100 } }\n");
    const { process: live, started } = await startSubscriber(t, address, ["a"]);
    assert.deepEqual(started.queue.messages, 100);
    const line = await reload(server, CHANGED, () =>
      writeFileSync(file, "hub: { queue: { messages: 50 }, overflow: conflate }\n"),
    );
    assert.equal(line.file, file);
    assert.deepEqual(line.changes.toSorted(), [
      "hub.overflow: drop-oldest -> conflate",
      "hub.queue.messages: 100 -> 50",
    ]);
    const { overflow } = await live.json(({ type }) => type === "state");
    assert.equal(overflow, "conflate");
    assert.deepEqual(await granted(t, address), { overflow: "conflate", messages: 50 });
  });

  const ways: Record<string, (folder: string, write: (path: string) => void) => void> = {
    "is written in place": (folder, write) => write(join(folder, "spillway.yaml")),
    "is renamed over the old one": (folder, write) => {
      write(join(folder, "new.yaml"));
      renameSync(join(folder, "new.yaml"), join(folder, "spillway.yaml"));
    },
    "is removed and comes back": (folder, write) => {
      rmSync(join(folder, "spillway.yaml"));
      write(join(folder, "spillway.yaml"));
    },
  };
  for (const [way, change] of Object.entries(ways)) {
    test(`is noticed without a signal when it ${way}`, async (t) => {
      const { file, server, address } = await scene(t, "hub: { queue: { messages: 100 } }\n");
      change(join(file, ".."), (path) => writeFileSync(path, "hub: { queue: { messages: 50 } }\n"));
      assert.deepEqual((await server.logged(CHANGED)).changes, ["hub.queue.messages: 100 -> 50"]);
      assert.deepEqual(await granted(t, address), { overflow: "drop-oldest", messages: 50 });
    });
  }

  test("is noticed without a signal when a symbolic link on the way to it is swapped, as for a ConfigMap", async (t) => {
    const folder = temporaryFolder(t);
    const version = (name: string, messages: number): void => {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, "spillway.yaml"), `hub: { queue: { messages: ${messages} } }\n`);
    };
    version("..1", 100);
    symlinkSync("..1", join(folder, "..data"));
    symlinkSync(join("..data", "spillway.yaml"), join(folder, "spillway.yaml"));
    const { process: server } = await startServer(t, ["--config", join(folder, "spillway.yaml")]);
    version("..2", 50);
    symlinkSync("..2", join(folder, "..data_tmp"));
    renameSync(join(folder, "..data_tmp"), join(folder, "..data"));
    rmSync(join(folder, "..1"), { recursive: true });
    assert.deepEqual((await server.logged(CHANGED)).changes, ["hub.queue.messages: 100 -> 50"]);
  });

  test("that says the same in other words changes nothing, and is told as that", async (t) => {
    const { file, server } = await scene(t, "hub: { stallTimeout: 60s }\n");
    await reload(server, /nothing has changed/, () => writeFileSync(file, "hub: { stallTimeout: 1m }\n"));
    assert.deepEqual(
      server.log.filter(({ level }) => level > 30),
      [],
    );
  });

  test("of the log's level counts at once", async (t) => {
    const { file, server, address } = await scene(t, "log: { level: warn }\n");
    await reload(server, CHANGED, () => writeFileSync(file, "log: { level: debug }\n"));
    await granted(t, address);
    await server.logged(/^a subscription has started$/);
    const { changes } = await reload(server, CHANGED, () => writeFileSync(file, "log: { level: error }\n"));
    assert.deepEqual(changes, ["log.level: debug -> error"]);
    const lines = server.log.length;
    await granted(t, address);
    server.child.kill("SIGTERM");
    await server.exit;
    assert.equal(server.log.length, lines);
  });
});

describe("a change that cannot be", () => {
  test("because it is wrong leaves everything as it was, and one line says all that is wrong", async (t) => {
    const { file, server, address } = await scene(t, "hub: { queue: { messages: 100 } }\n");
    const { process: live } = await startSubscriber(t, address, ["a"]);
    const line = await reload(server, WRONG, () =>
      writeFileSync(file, "hub:\n  overflow: conflate\n  queue: { mesages: 50 }\n  stallTimeout: 5\n"),
    );
    assert.equal(line.problems.length, 2);
    assert.match(line.problems[0], /spillway\.yaml:3:\d+: hub\.queue\.mesages: .*did you mean messages/);
    assert.match(line.problems[1], /spillway\.yaml:4:\d+: hub\.stallTimeout: /);
    assert.deepEqual(await granted(t, address), { overflow: "drop-oldest", messages: 100 });
    await publish(t, address, ["a"], "still there\n");
    await live.json(({ payload }) => payload === "still there");
    assert.ok(live.jsonLines().every(({ type }) => type !== "state"));
    await reload(server, CHANGED, () => writeFileSync(file, "hub: { queue: { messages: 50 } }\n"));
    assert.deepEqual(await granted(t, address), { overflow: "drop-oldest", messages: 50 });
  });

  test("because the file has gone leaves everything as it was", async (t) => {
    const { file, server, address } = await scene(t, "hub: { queue: { messages: 100 } }\n");
    const { problems } = await reload(server, WRONG, () => rmSync(file));
    assert.match(problems[0], /spillway\.yaml: there is no such file/);
    assert.deepEqual(await granted(t, address), { overflow: "drop-oldest", messages: 100 });
  });

  test("while it runs is refused as a whole, with the option and what to do", async (t) => {
    const { file, server, address } = await scene(t, "hub: { queue: { messages: 100 } }\n");
    const { problems } = await reload(server, REFUSED, () =>
      writeFileSync(
        file,
        "hub: { queue: { messages: 50 } }\nserver: { keepaliveTime: 1m }\nmetrics: { listen: 127.0.0.1:0 }\nadmin: { enabled: true }\n",
      ),
    );
    assert.deepEqual(problems.toSorted(), [
      "admin.enabled: false -> true: restart to change it",
      "metrics.listen: unset -> 127.0.0.1:0: restart to change it",
      "server.keepaliveTime: 20s -> 1m: restart to change it",
    ]);
    assert.deepEqual(await granted(t, address), { overflow: "drop-oldest", messages: 100 });
  });

  test("because a flag counts before it is none", async (t) => {
    const { file, server } = await scene(t, "server: { listen: 127.0.0.1:1 }\n");
    await reload(server, /nothing has changed/, () =>
      writeFileSync(file, "server: { listen: 127.0.0.1:2 }\n"),
    );
  });
});

describe("SIGHUP", () => {
  test("without a file is answered with a line, and harms nobody", async (t) => {
    const { process: server, address } = await startServer(t);
    server.child.kill("SIGHUP");
    const { level, msg } = await server.logged(/SIGHUP/);
    assert.deepEqual(
      [level, msg],
      [40, "SIGHUP: there is no configuration file to read again; start with --config FILE to have one"],
    );
    assert.equal((await publish(t, address, ["a"], "one\n")).code, 0);
  });

  test("many at once end in what the file says last", async (t) => {
    const { file, server, address } = await scene(t, "hub: { queue: { messages: 100 } }\n");
    for (let messages = 1; messages <= 20; messages++) {
      writeFileSync(file, `hub: { queue: { messages: ${messages} } }\n`);
      server.child.kill("SIGHUP");
    }
    while (((await granted(t, address)) as Json).messages !== 20);
    assert.deepEqual(
      server.log.filter(({ level }) => level > 30),
      [],
    );
  });

  test("while it stops does not hold it up", async (t) => {
    const { server } = await scene(t, "hub: { queue: { messages: 100 } }\n");
    server.child.kill("SIGTERM");
    server.child.kill("SIGHUP");
    assert.equal((await server.exit).code, 0);
  });
});

test("a smaller queue loses what it has no room for, tells a frozen reader exactly how much, and nothing else is lost", async (t) => {
  const SIZE = 4096;
  const { file, server, address } = await scene(t, "hub: { queue: { messages: 10000, bytes: 64MiB } }\n");
  const { process: frozen } = await startSubscriber(t, address, ["load"]);
  const healthy = await startSubscriber(t, address, ["load", "--name", "healthy"]);
  frozen.child.kill("SIGSTOP");
  const count = 2_000;
  const flood = await publish(t, address, ["load", "--count", `${count}`, "--size", `${SIZE}`]);
  assert.equal(flood.code, 0);
  await healthy.process.json(({ offset }) => offset === count);
  await reload(server, CHANGED, () =>
    writeFileSync(file, "hub: { queue: { messages: 16, bytes: 64MiB } }\n"),
  );
  // A reader of its own time sees the loss before the next message.
  frozen.child.kill("SIGCONT");
  await publish(t, address, ["load"], "the end\n");
  await frozen.json(({ type, offset }) => type === "message" && offset === count + 1);

  const lines = frozen.jsonLines();
  const messages = lines.filter(({ type }) => type === "message");
  const lost = lines.filter(({ type }) => type === "gap").reduce((sum, gap) => sum + gap.count, 0);
  assert.equal(messages.length + lost, count + 1);
  assert.ok(lost > 0, "the frozen reader had more waiting than the new queue holds");
  assert.deepEqual(
    healthy.process.jsonLines().filter(({ type }) => type === "gap"),
    [],
  );
});
