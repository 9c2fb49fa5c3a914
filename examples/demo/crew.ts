/**
 * The forked processes of the demo. None outlives it: `dismiss` ends and reaps them all, also one that is
 * stopped, and each of them ends by itself when its channel to the demo closes.
 *
 * @module
 */
import { type ChildProcess, fork } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { fileURLToPath } from "node:url";

/** How long they may take to leave by themselves. */
const GRACE_MS = 1_000;

export class Crew {
  readonly #members: ChildProcess[] = [];
  readonly #onDeath: (why: string) => void;
  #dismissed = false;

  /** @param onDeath one of them ended while it was needed. */
  constructor(onDeath: (why: string) => void) {
    this.#onDeath = onDeath;
  }

  /** Starts a script that lies beside this one. */
  fork<In extends object, Out extends { type: string }>(
    name: string,
    script: "server" | "post-client" | "full-client" | "control-ticker",
    args: readonly string[] = [],
  ): Member<In, Out> {
    const process = fork(fileURLToPath(new URL(`./${script}.js`, import.meta.url)), args, {
      serialization: "advanced",
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    this.#members.push(process);
    let complaint = "";
    process.stderr?.setEncoding("utf8").on("data", (text: string) => {
      complaint = (complaint + text).slice(-4_000);
    });
    process.once("error", (error) => this.#lost(`${name} could not be started: ${error.message}`));
    // "close" comes behind the last of stderr.
    process.once("close", (code, signal) => {
      this.#lost(
        `${name} ended with ${signal ?? `exit code ${code}`}${complaint && `:\n${complaint.trim()}`}`,
      );
    });
    return new Member(process);
  }

  /** Ends all of them; resolves when they are gone. */
  async dismiss(): Promise<void> {
    this.#dismissed = true;
    const alive = this.#members.filter((member) => !hasEnded(member));
    const ends = alive.map((member) => once(member, "exit"));
    for (const member of alive) {
      if (member.connected) member.disconnect();
      // One that is stopped would not notice.
      member.kill("SIGCONT");
    }
    const force = setTimeout(() => {
      for (const member of alive) if (!hasEnded(member)) member.kill("SIGKILL");
    }, GRACE_MS);
    await Promise.all(ends);
    clearTimeout(force);
  }

  #lost(why: string): void {
    if (!this.#dismissed) this.#onDeath(why);
  }
}

function hasEnded({ pid, exitCode, signalCode }: ChildProcess): boolean {
  return pid === undefined || exitCode !== null || signalCode !== null;
}

type Of<Out, Type> = Extract<Out, { type: Type }>;

/** One forked process, and the messages that pass between it and the demo. */
export class Member<In extends object, Out extends { type: string }> {
  readonly #process: ChildProcess;
  readonly #messages = new EventEmitter();

  /** Made by {@link Crew.fork}. */
  constructor(process: ChildProcess) {
    this.#process = process;
    process.on("message", (message) => this.#messages.emit((message as Out).type, message));
  }

  /** 0 when it could not be started. */
  get pid(): number {
    return this.#process.pid ?? 0;
  }

  send(message: In): void {
    // That it is gone is told by its exit.
    this.#process.send(message, () => {});
  }

  on<Type extends Out["type"]>(type: Type, listener: (message: Of<Out, Type>) => void): void {
    this.#messages.on(type, listener);
  }

  /** The next message of a type. @throws the signal's reason */
  async next<Type extends Out["type"]>(type: Type, signal: AbortSignal): Promise<Of<Out, Type>> {
    try {
      const [message] = await once(this.#messages, type, { signal });
      return message;
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    }
  }

  /** Stops it as Ctrl-Z would: it keeps its connection, and does nothing at all until `thaw`. */
  freeze(): void {
    this.#process.kill("SIGSTOP");
  }

  thaw(): void {
    this.#process.kill("SIGCONT");
  }
}
