/**
 * Tells when a file has come to say something else.
 *
 * It looks at the content every so often rather than asking to be told: editors put a new file in the place of the old
 * one, and a mounted ConfigMap changes a symbolic link two folders up. Notifications of the system follow neither, and
 * a modification time can stay as it was; reading a few kilobytes a second costs nothing.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { type Clock, systemClock } from "../clock.ts";
import { CONFIG_DEFAULTS } from "../defaults.ts";
import type { LoadedConfig } from "./load.ts";

export interface WatchOptions {
  /** The file has come to say this, or `reload()` was called. Awaited before anything else is loaded. */
  readonly onChange: (loaded: LoadedConfig) => void | Promise<void>;
  /**
   * What the file says now is wrong, or `onChange` threw: once for each content of the file, and for each `reload()`.
   * Must not throw.
   */
  readonly onError: (error: unknown) => void;
  /**
   * What was loaded before. A change that came between is seen then.
   *
   * @default what the file says when it is looked at first
   */
  readonly since?: LoadedConfig;
  /**
   * How often the file is looked at, in milliseconds. A change counts when it has been seen twice.
   *
   * @default 1_000
   */
  readonly intervalMs?: number;
  /** @default the process's own clock */
  readonly clock?: Clock;
}

export interface ConfigWatch {
  /** Loads, changed or not: for SIGHUP. Resolves when the outcome has been told; does not reject. */
  reload(): Promise<void>;
  /** Nothing new is told after this. */
  stop(): void;
}

/**
 * Loads again whenever the content of the file has changed. Does not keep the process alive.
 *
 * @param load - what reads the file, together with the other sources
 * @param file - the path
 */
export function watchConfig(
  load: () => Promise<LoadedConfig>,
  file: string,
  options: WatchOptions,
): ConfigWatch {
  return new FileWatch(load, file, options);
}

/** `undefined`: it cannot be read. */
type Content = string | undefined;

class FileWatch implements ConfigWatch {
  readonly #load: () => Promise<LoadedConfig>;
  readonly #file: string;
  readonly #options: WatchOptions;
  readonly #stopLooking: () => void;
  #isStopped = false;
  /** The loads, one after the other. */
  #line: Promise<void> = Promise.resolve();
  /** The reload in the line that has not begun: it serves everybody who asks for one meanwhile. */
  #waiting: Promise<void> | undefined;
  #isLooking = false;
  /** What has been loaded, or found wrong. */
  #known: { readonly content: Content } | undefined;
  /** Something else, seen once. It may be half written, or gone between the two steps of an editor. */
  #seen: { readonly content: Content } | undefined;

  constructor(load: () => Promise<LoadedConfig>, file: string, options: WatchOptions) {
    const { since, clock = systemClock, intervalMs = CONFIG_DEFAULTS.watchIntervalMs } = options;
    this.#load = load;
    this.#file = file;
    this.#options = options;
    if (since !== undefined) this.#known = { content: since.text };
    this.#stopLooking = clock.every(intervalMs, () => this.#look());
  }

  reload(): Promise<void> {
    this.#waiting ??= this.#enqueue(async () => {
      this.#waiting = undefined;
      await this.#loadNow(await this.#read());
    });
    return this.#waiting;
  }

  stop(): void {
    this.#isStopped = true;
    this.#stopLooking();
  }

  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    const content = await this.#read();
    this.#known ??= { content };
    if (content === this.#known.content) {
      this.#seen = undefined;
    } else if (this.#seen === undefined || content !== this.#seen.content) {
      this.#seen = { content };
    } else {
      this.#seen = undefined;
      await this.#enqueue(() => this.#loadNow(content));
    }
    this.#isLooking = false;
  }

  #enqueue(run: () => Promise<void>): Promise<void> {
    this.#line = this.#line.then(() => (this.#isStopped ? undefined : run()));
    return this.#line;
  }

  /** @param content - what the file said just now */
  async #loadNow(content: Content): Promise<void> {
    this.#known = { content };
    try {
      const loaded = await this.#load();
      this.#known = { content: loaded.text };
      if (!this.#isStopped) await this.#options.onChange(loaded);
    } catch (error) {
      if (!this.#isStopped) this.#options.onError(error);
    }
  }

  async #read(): Promise<Content> {
    try {
      return await readFile(this.#file, "utf8");
    } catch {
      // Why it cannot be read is told by whoever loads it.
      return undefined;
    }
  }
}
