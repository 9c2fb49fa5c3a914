/** Runs the built command in a process of its own, and lets a test await its lines and its end. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../src/cli/main.js", import.meta.url));

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** Leaves standard output unread until `read()`. */
  readonly unread?: boolean;
  /** Variables beside those of this process. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Text as it arrives, and those who wait for something in it. */
class Gathered {
  text = "";
  #closed = false;
  #waiting: (() => void)[] = [];

  listen(stream: Readable): void {
    stream.setEncoding("utf8");
    stream.on("data", (chunk: string) => {
      this.text += chunk;
      this.#wake();
    });
    stream.on("close", () => {
      this.#closed = true;
      this.#wake();
    });
  }

  async line(matches: (line: string, index: number) => boolean): Promise<string> {
    for (;;) {
      const found = this.text.split("\n").slice(0, -1).find(matches);
      if (found !== undefined) return found;
      if (this.#closed) throw new Error(`the output ended without that line:\n${this.text}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }
}

export class Run {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly exit: Promise<Exit>;
  readonly #stdout = new Gathered();
  readonly #stderr = new Gathered();

  constructor(t: TestContext, args: readonly string[], { unread = false, env = {} }: RunOptions) {
    const child = spawn(process.execPath, [MAIN, ...args], {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...ownEnvironment(), ...env },
    });
    this.child = child;
    // It may end before it has read its input.
    child.stdin.on("error", () => {});
    if (!unread) this.#stdout.listen(child.stdout);
    this.#stderr.listen(child.stderr);
    this.exit = once(child, unread ? "exit" : "close").then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
      stdout: this.#stdout.text,
      stderr: this.#stderr.text,
    }));
    t.after(async () => {
      child.kill("SIGKILL");
      child.stdout.destroy();
      await this.exit;
    });
  }

  get stdout(): string {
    return this.#stdout.text;
  }

  /** Starts reading an output that was left unread. */
  read(): void {
    this.#stdout.listen(this.child.stdout);
  }

  /** The first line of standard output that matches, now or later. */
  line(matches: RegExp | ((line: string) => boolean)): Promise<string> {
    return this.#stdout.line(typeof matches === "function" ? matches : (line) => matches.test(line));
  }

  /** The first line on stderr that matches, now or later. */
  note(matches: RegExp): Promise<string> {
    return this.#stderr.line((line) => matches.test(line));
  }

  /** The first JSON line that matches. */
  async json(matches: (line: Json) => boolean): Promise<Json> {
    return JSON.parse(await this.line((line) => matches(JSON.parse(line) as Json))) as Json;
  }

  /** All JSON lines so far. */
  jsonLines(): Json[] {
    return parseLines(this.#stdout.text);
  }

  /** The first line of a server's log with such a text, now or later, but behind the first `from` lines. */
  async logged(message: RegExp, from = 0): Promise<Json> {
    const matches = (line: string, index: number) => index >= from && message.test(JSON.parse(line).msg);
    return JSON.parse(await this.#stderr.line(matches)) as Json;
  }

  /** All lines of a server's log so far. */
  get log(): Json[] {
    return parseLines(this.#stderr.text);
  }
}

// biome-ignore lint/suspicious/noExplicitAny: what a test reads, it checks
export type Json = Record<string, any>;

/** Without variables of Spillway's: those that make a property repeat itself would pass for options. */
function ownEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("SPILLWAY_")));
}

function parseLines(text: string): Json[] {
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Json);
}

export function run(t: TestContext, args: readonly string[], options: RunOptions = {}): Run {
  return new Run(t, args, options);
}

export interface RunningServer {
  readonly process: Run;
  readonly address: string;
}

/** A server on a free port, or on `listen`. */
export async function startServer(
  t: TestContext,
  flags: readonly string[] = [],
  listen = "127.0.0.1:0",
  options: RunOptions = {},
): Promise<RunningServer> {
  const process = run(t, ["serve", "--listen", listen, ...flags], options);
  const line = await process.line(/listening on/);
  return { process, address: line.slice(line.lastIndexOf(" ") + 1) };
}

/** A subscriber with `--json` that is live. */
export async function startSubscriber(
  t: TestContext,
  address: string,
  args: readonly string[],
): Promise<{ readonly process: Run; readonly started: Json }> {
  const process = run(t, ["subscribe", "--address", address, "--json", ...args]);
  return { process, started: await process.json(({ type }) => type === "started") };
}

/** Publishes these bytes as standard input, and returns the exit. */
export async function publish(
  t: TestContext,
  address: string,
  args: readonly string[],
  input: string | Uint8Array = "",
): Promise<Exit> {
  const process = run(t, ["publish", "--address", address, ...args]);
  process.child.stdin.end(input);
  return await process.exit;
}
