import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { after, describe, it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { Client, credentials, loadPackageDefinition, type ServiceClientConstructor } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

const root = fileURLToPath(new URL("../..", import.meta.url));
const readme = readFileSync(join(root, "README.md"), "utf8");
const ADDRESS = "127.0.0.1:7070";

// Inside the checkout, so that `import "spillway"` finds this package as an installed one would be found.
const scratch = mkdtempSync(join(root, "dist", "readme-"));
after(() => rmSync(scratch, { recursive: true }));

/** The fenced blocks of a language, in order. */
function blocks(language: string): string[] {
  return [...readme.matchAll(/^```(\w+)\n(.*?)^```$/gms)]
    .filter(([, fence]) => fence === language)
    .map(([, , code]) => code ?? "");
}

function example(path: string): string {
  return readFileSync(join(root, "examples", path), "utf8");
}

const EXAMPLES = ["quickstart/server.js", "quickstart/client.js", "own-service/server.js"];

class Program {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;
  readonly exit: Promise<number | string | null>;
  #errors = "";

  /** Runs a block of the README with another address in place of the one it names. */
  constructor(t: TestContext, name: string, code: string, address: string) {
    assert.equal(code.split(ADDRESS).length, 2, `${name} names ${ADDRESS} once`);
    const path = join(scratch, `${name}.mjs`);
    writeFileSync(path, code.replace(ADDRESS, address));
    this.#child = spawn(process.execPath, [path], { stdio: ["ignore", "pipe", "pipe"] });
    this.exit = new Promise((resolve) => this.#child.once("exit", (code, signal) => resolve(code ?? signal)));
    t.after(() => {
      this.#child.kill("SIGKILL");
      return this.exit;
    });
    this.#child.stderr?.on("data", (chunk) => {
      this.#errors += String(chunk);
    });
    this.#reader = createInterface({ input: this.#child.stdout as NonNullable<ChildProcess["stdout"]> });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  async line(): Promise<string> {
    const { done, value } = await this.#lines.next();
    assert.ok(done !== true, `it wrote no more; on standard error: ${this.#errors}`);
    return value;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }
}

/** Runs a server of the README on a free port, and says which address that is. */
async function startServer(
  t: TestContext,
  name: string,
  code: string | undefined,
): Promise<{ server: Program; address: string }> {
  const server = new Program(t, name, code ?? "", "127.0.0.1:0");
  const ready = await server.line();
  const address = ready.match(/^listening on (127\.0\.0\.1:[1-9]\d*)$/)?.[1];
  assert.ok(address !== undefined, `the first line names the address: ${ready}`);
  return { server, address };
}

describe("the README's code", () => {
  it("is, block for block, what lies in examples/", () => {
    assert.deepEqual(blocks("js"), EXAMPLES.map(example));
    assert.deepEqual(blocks("proto"), [example("own-service/prices.proto")]);
  });

  it("shows a server and a client in under 25 lines together", () => {
    const lines = blocks("js").slice(0, 2).join("").split("\n");
    assert.ok(lines.length < 25, `${lines.length} lines`);
  });

  it("runs: the client prints what the server publishes, and the server ends cleanly on SIGTERM", async (t) => {
    const [serverCode, clientCode] = blocks("js");
    const { server, address } = await startServer(t, "server", serverCode);
    const client = new Program(t, "client", clientCode ?? "", address);
    let before = 0;
    for (let count = 0; count < 5; count++) {
      const line = await client.line();
      const [, offset] = line.match(/^(\d+) prices\.EURUSD 1\.0[89]\d\d$/) ?? [];
      assert.ok(offset !== undefined, `a message line: ${line}`);
      assert.ok(before === 0 || Number(offset) === before + 1, `${line} follows ${before}`);
      before = Number(offset);
    }
    server.kill("SIGTERM");
    assert.equal(await server.exit, 0);
  });

  it("runs: a service of one's own streams messages of its own type", async (t) => {
    cpSync(join(root, "examples", "own-service", "prices.proto"), join(scratch, "prices.proto"));
    const { address } = await startServer(t, "own-service", blocks("js")[2]);
    const { shop } = loadPackageDefinition(loadSync(join(scratch, "prices.proto"))) as unknown as {
      shop: { v1: { Prices: ServiceClientConstructor } };
    };
    const watch = shop.v1.Prices.service.Watch;
    assert.ok(watch !== undefined);
    const client = new Client(address, credentials.createInsecure());
    t.after(() => client.close());
    const call = client.makeServerStreamRequest(
      watch.path,
      watch.requestSerialize,
      watch.responseDeserialize,
      { symbol: "EURUSD" },
    );
    call.on("error", () => {});
    t.after(() => call.cancel());
    const first = await new Promise<object>((resolve, reject) => {
      call.once("data", resolve);
      call.once("error", reject);
    });
    assert.deepEqual({ ...first }, { symbol: "EURUSD", value: 1.0842 });
  });
});
