/**
 * Standard output that says when to stop: no faster than its reader, and over when the reader is gone.
 *
 * A pipe whose reader left (`spillway subscribe 'prices.>' | head -1`) is an end like any other, not a failure.
 *
 * @module
 */
import type { Writable } from "node:stream";
import { CommandError } from "./errors.ts";

/** How long the last lines may take when the process ends, in milliseconds. Their reader may never come back. */
const FLUSH_MS = 1_000;

/** Waits until everything is written, but not for ever. */
export async function flushed(stream: Writable): Promise<void> {
  if (stream.writableLength === 0 || stream.destroyed) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, FLUSH_MS);
    stream.write("", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

export class Output {
  readonly #stream = process.stdout;
  readonly #onClosed: () => void;
  #closed = false;
  #failure: CommandError | undefined;
  #wake: (() => void) | undefined;

  /** @param onClosed called once, when nobody reads any more. */
  constructor(onClosed: () => void) {
    this.#onClosed = onClosed;
    this.#stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE")
        this.#failure ??= new CommandError(`cannot write the output: ${error.message}`);
      this.#close();
    });
    this.#stream.on("drain", () => this.#resume());
  }

  /**
   * Writes one line; when the output is full, the promise it returns says when there is room again.
   *
   * @throws CommandError for output that cannot be written
   */
  line(text: string): Promise<void> | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#closed || this.#stream.write(`${text}\n`)) return undefined;
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** Lets whoever waits for room go on without. */
  release(): void {
    this.#resume();
  }

  /**
   * Waits until everything is written, but not for ever.
   *
   * @throws CommandError for output that could not be written
   */
  async flush(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (!this.#closed) await flushed(this.#stream);
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#resume();
    this.#onClosed();
  }

  #resume(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
