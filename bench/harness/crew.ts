/**
 * The processes of one trial: a fresh set each time, and none is left when the trial is over, whatever became of it.
 *
 * - Every request has a time limit, and the death of any process ends every wait: a trial never hangs.
 * - Each of them ends by itself when its channel closes. One that is stopped cannot, so it is continued first.
 * - Should this process end in any other way than by being killed, it takes them with it.
 *
 * @module
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import type { Failed, FromClient, FromServer, ToClient, ToServer } from "./messages.ts";
import type { Pinning } from "./pinning.ts";
import { TrialProblem } from "./problem.ts";

const STDERR_LINES = 5;

/** A request or an answer: what else is in it depends on its type. */
export interface Typed {
  readonly type: string;
}

const living = new Set<ChildProcess>();
/** Processes that a server started, which do not end by themselves when it is killed. */
const adopted = new Set<number>();
process.on("exit", () => {
  for (const child of living) kill(child);
  for (const pid of adopted) killGrandchild(pid);
});

export class Crew {
  readonly #pinning: Pinning;
  readonly #members: ChildProcess[] = [];
  readonly #grandchildren: number[] = [];
  readonly #over = new AbortController();
  readonly #dismissed = new Set<ChildProcess>();

  constructor(pinning: Pinning, signal?: AbortSignal) {
    this.#pinning = pinning;
    const onAbort = () => this.#over.abort(signal!.reason);
    if (signal?.aborted) onAbort();
    signal?.addEventListener("abort", onAbort, { once: true, signal: this.#over.signal });
  }

  /** To be called first. @param module - path of the script, for a server that is not the usual one */
  server<In extends Typed = ToServer, Out extends Typed = FromServer>(module?: string): Member<In, Out> {
    return this.#fork("server", module ?? "./server-process.js", this.#pinning.server);
  }

  /** @param module - path of the script, for a client that is not the usual one */
  client<In extends Typed = ToClient, Out extends Typed = FromClient>(
    name: string,
    module?: string,
  ): Member<In, Out> {
    return this.#fork(name, module ?? "./client-process.js", this.#pinning.others);
  }

  /** The server has processes of its own, which are to end with it. */
  adopt(pids: readonly number[]): void {
    for (const pid of pids) {
      this.#grandchildren.push(pid);
      adopted.add(pid);
    }
  }

  /** Kills the clients, so that the server has nobody left to wait for. */
  async dismissClients(): Promise<void> {
    await this.#dismiss(this.#members.slice(1));
  }

  /** Kills them all, and resolves when they are gone. */
  async dismiss(): Promise<void> {
    this.#over.abort(new TrialProblem("infrastructure", "the trial is over"));
    await this.#dismiss(this.#members);
    for (const pid of this.#grandchildren) {
      killGrandchild(pid);
      adopted.delete(pid);
    }
  }

  async #dismiss(members: readonly ChildProcess[]): Promise<void> {
    await Promise.all(
      members.map(async (child) => {
        this.#dismissed.add(child);
        const exit = once(child, "exit");
        if (kill(child)) await exit;
      }),
    );
  }

  #fork<In extends Typed, Out extends Typed>(
    name: string,
    module: string,
    cores: string | undefined,
  ): Member<In, Out> {
    const child = fork(resolve(import.meta.dirname, module), [], {
      serialization: "advanced",
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      // taskset becomes the process that it starts, channel and all.
      ...(cores === undefined
        ? { execArgv: ["--expose-gc"] }
        : { execPath: "taskset", execArgv: ["-c", cores, process.execPath, "--expose-gc"] }),
    });
    this.#members.push(child);
    living.add(child);
    let stderr = "";
    child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      stderr = (stderr + text).slice(-4_000);
    });
    const lost = (how: string) => {
      living.delete(child);
      if (this.#dismissed.has(child)) return;
      const last = stderr.trim().split("\n").slice(-STDERR_LINES).join("\n");
      const kind = name === "server" ? "system" : "infrastructure";
      this.#over.abort(new TrialProblem(kind, `the ${name} process ${how}${last && `: ${last}`}`));
    };
    child.once("error", (error) => lost(`could not be started: ${error.message}`));
    // Behind the last of stderr.
    child.once("close", (code, signal) => lost(`ended with ${signal ?? `exit code ${code}`}`));
    return new Member(name, child, this.#over.signal);
  }
}

/** One process, as the orchestrator talks to it. */
export class Member<In extends Typed, Out extends Typed> {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #over: AbortSignal;

  constructor(name: string, child: ChildProcess, over: AbortSignal) {
    this.name = name;
    this.#child = child;
    this.#over = over;
  }

  /** Asks, and waits for the answer. @throws TrialProblem */
  async ask<Type extends Out["type"]>(
    request: In,
    answer: Type,
    limitMs: number,
  ): Promise<Extract<Out, { type: Type }>> {
    const answered = this.next(answer, limitMs);
    this.#child.send(request, () => {});
    return answered;
  }

  /** The next message of a type. @throws TrialProblem */
  async next<Type extends Out["type"]>(type: Type, limitMs: number): Promise<Extract<Out, { type: Type }>> {
    this.#over.throwIfAborted();
    return new Promise((resolve, reject) => {
      const done = () => {
        clearTimeout(limit);
        this.#child.off("message", onMessage);
        this.#over.removeEventListener("abort", onOver);
      };
      const onMessage = (message: unknown) => {
        const received = message as Out | Failed;
        if (received.type === type) {
          done();
          resolve(received as Extract<Out, { type: Type }>);
        } else if (isFailed(received)) {
          done();
          const kind = received.unavailable ? "unavailable" : "system";
          reject(new TrialProblem(kind, `${this.name}: ${received.reason}`));
        }
      };
      const onOver = () => {
        done();
        reject(this.#over.reason);
      };
      const limit = setTimeout(() => {
        done();
        const text = `the ${this.name} process did not answer "${type}" within ${limitMs / 1_000} s`;
        reject(new TrialProblem("infrastructure", text));
      }, limitMs);
      this.#child.on("message", onMessage);
      this.#over.addEventListener("abort", onOver);
    });
  }

  /** Stops it as Ctrl-Z would: it keeps its connections, and does nothing at all. */
  stop(): void {
    this.#child.kill("SIGSTOP");
  }

  continue(): void {
    this.#child.kill("SIGCONT");
  }
}

function isFailed(message: { readonly type: string }): message is Failed {
  return message.type === "failed";
}

/** Whether it was still there. */
function kill(child: ChildProcess): boolean {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return false;
  child.kill("SIGCONT");
  return child.kill("SIGKILL");
}

function killGrandchild(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has gone with its parent, as it should.
  }
}
