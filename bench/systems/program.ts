/**
 * Servers that are programs of their own: whether they are there, and how they live exactly as long as they are needed.
 *
 * @module
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { promisify } from "node:util";
import type { Availability } from "../system.ts";

/** A program that has not ended by itself after so long is killed. */
const END_GRACE_MS = 500;

const run = promisify(execFile);

/**
 * @param program - looked for on the PATH
 * @param versionArguments - make it print its version and end
 * @param hint - how to install it
 */
export async function probeProgram(
  program: string,
  versionArguments: readonly string[],
  hint: string,
): Promise<Availability> {
  try {
    const { stdout } = await run(program, versionArguments);
    const version = stdout.match(/\d+(?:\.\d+)+/)?.[0];
    return { version: `${program} ${version ?? "of unknown version"}` };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return { unavailable: `${program} is not on the PATH: ${hint}` };
    return { unavailable: `${program} cannot be run: ${message}` };
  }
}

export interface RunningProgram {
  readonly child: ChildProcess;
  readonly pid: number;
  /** What it said when it was ready. */
  readonly ready: RegExpMatchArray;
  stop(): Promise<void>;
}

/**
 * Starts it, and waits until what it prints matches.
 *
 * @throws Error with what it printed, if it ended before that
 */
export async function startProgram(
  program: string,
  programArguments: readonly string[],
  ready: RegExp,
): Promise<RunningProgram> {
  const child = spawn(program, programArguments, { stdio: "pipe", cwd: tmpdir() });
  const onExit = () => child.kill("SIGKILL");
  // It must not outlive this process. Whoever kills this one must do the same with its `pids`.
  process.once("exit", onExit);
  const ended = new Promise<void>((resolve) => {
    child.once("close", () => resolve());
    child.once("error", () => resolve());
  });
  void ended.then(() => process.off("exit", onExit));
  // It says nothing that is worth the end of this process.
  child.stdin.on("error", () => {});
  const stop = async () => {
    child.kill();
    const timer = setTimeout(onExit, END_GRACE_MS);
    await ended;
    clearTimeout(timer);
  };
  return { child, pid: child.pid!, ready: await printed(child, program, ready), stop };
}

async function printed(child: ChildProcess, program: string, wanted: RegExp): Promise<RegExpMatchArray> {
  const over = new AbortController();
  let text = "";
  const found = new Promise<RegExpMatchArray>((resolve, reject) => {
    let waiting = true;
    // Read to the end, though nobody listens any more: a full pipe would stop it.
    const onText = (chunk: Buffer) => {
      if (!waiting) return;
      text += String(chunk);
      const match = text.match(wanted);
      if (match === null) return;
      waiting = false;
      resolve(match);
    };
    child.stdout?.on("data", onText);
    child.stderr?.on("data", onText);
    child.once("error", reject);
    once(child, "close", { signal: over.signal }).then(
      () => reject(new Error(`${program} ended before it was ready: ${text.trim()}`)),
      () => {},
    );
  });
  try {
    return await found;
  } finally {
    over.abort();
  }
}
