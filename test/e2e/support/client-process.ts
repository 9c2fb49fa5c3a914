/**
 * A client in a process of its own, so that it can be frozen, killed or busy without disturbing the server, which
 * lives in the process of the test; or a server, so that it can.
 *
 * The process tells what it sees as a journal (see `journal.ts`). Tests wait for entries, never for time, and judge
 * the journal afterwards. With the test, every process is killed, frozen or not, and is seen to be gone.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import type { Entry } from "./journal.ts";

export type EntryOf<Kind extends Entry["kind"]> = Extract<Entry, { kind: Kind }>;

export class ClientProcess {
  readonly journal: Entry[] = [];
  readonly child: ChildProcess;
  readonly exited: Promise<unknown>;
  readonly name: string;
  #waiting = new Set<() => void>();

  constructor(t: TestContext, program: string, name: string, spec: object) {
    const path = fileURLToPath(new URL(`../programs/${program}.js`, import.meta.url));
    this.name = name;
    this.child = fork(path, [JSON.stringify({ ...spec, name })], { execArgv: [], serialization: "advanced" });
    this.exited = once(this.child, "exit");
    this.child.on("message", (entries) => {
      this.journal.push(...(entries as Entry[]));
      for (const look of this.#waiting) look();
    });
    void this.exited.then(() => {
      for (const look of this.#waiting) look();
    });
    t.after(async () => {
      this.kill();
      await this.exited;
    });
  }

  get isGone(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Resolves when the journal satisfies the condition, now or later; rejects when the process ends before. */
  until(what: string, condition: (journal: readonly Entry[]) => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (!condition(this.journal) && !this.isGone) return;
        this.#waiting.delete(look);
        if (condition(this.journal)) resolve();
        else reject(new Error(`${this.name} ended before ${what}`));
      };
      this.#waiting.add(look);
      look();
    });
  }

  /** The first entry of a kind, now or later. */
  async first<Kind extends Entry["kind"]>(kind: Kind): Promise<EntryOf<Kind>> {
    await this.until(`its first ${kind}`, (journal) => journal.some((entry) => entry.kind === kind));
    return this.entries(kind)[0]!;
  }

  entries<Kind extends Entry["kind"]>(kind: Kind): EntryOf<Kind>[] {
    return this.journal.filter((entry): entry is EntryOf<Kind> => entry.kind === kind);
  }

  /** Resolves when it has read the message at this offset, or one behind it. */
  reached(offset: number): Promise<void> {
    return this.until(`offset ${offset}`, (journal) => {
      const last = journal.findLast((entry) => entry.kind === "message");
      return last !== undefined && last.offset >= offset;
    });
  }

  tell(command: object): void {
    this.child.send(command);
  }

  freeze(): void {
    assert.ok(this.child.kill("SIGSTOP"));
  }

  thaw(): void {
    assert.ok(this.child.kill("SIGCONT"));
  }

  /** Without a word to anybody; works on a frozen process too. */
  kill(): void {
    this.child.kill("SIGKILL");
  }
}

export function client(t: TestContext, program: string, name: string, spec: object): ClientProcess {
  return new ClientProcess(t, program, name, spec);
}
