import type { HistoryLoads, LoadedPage } from "./history-loads.ts";
import type { HistorySource } from "./history-source.ts";
import type { Message } from "./message.ts";
import type { LogReader, ReplayLog } from "./replay-log.ts";

export interface HistoryReaderOptions {
  readonly topic: {
    readonly name: string;
    readonly log: ReplayLog | undefined;
    readonly trimmedThrough: number;
  };
  readonly source: HistorySource;
  readonly loads: HistoryLoads;
  readonly after: number;
  /** Of its loads among those of others. */
  readonly priority: number;
  readonly signal: AbortSignal;
  /** A page has come, or will not come. */
  readonly arrived: () => void;
  /** A load failed: what was not read yet, up to this offset, will not come. */
  readonly failed: (through: number, error: unknown) => void;
}

/**
 * Reads a topic from its history source, page by page, and then from its log, once a page ends where the log begins.
 * While a page is under way it `isWaiting`, and its `peek` knows nothing.
 */
export class HistoryReader implements LogReader {
  readonly #options: HistoryReaderOptions;
  #page: LoadedPage;
  #index = 0;
  #waiting = false;
  #log: LogReader | undefined;

  constructor(options: HistoryReaderOptions) {
    this.#options = options;
    this.#page = { messages: [], through: options.after };
    this.#goOn();
  }

  get isWaiting(): boolean {
    return this.#waiting;
  }

  peek(): Message | undefined {
    return this.#log === undefined ? this.#page.messages[this.#index] : this.#log.peek();
  }

  advance(): void {
    if (this.#log !== undefined) {
      this.#log.advance();
      return;
    }
    this.#index++;
    if (this.#index >= this.#page.messages.length) this.#goOn();
  }

  takeSkipped(): number | undefined {
    return this.#log === undefined ? 0 : this.#log.takeSkipped();
  }

  /** The page is read: the next one, or the log where it begins. */
  #goOn(): void {
    const { topic, source, loads, priority, signal } = this.#options;
    const after = this.#page.through;
    const { trimmedThrough } = topic;
    if (after >= trimmedThrough) {
      this.#log = topic.log?.readAfter(after) ?? NOTHING;
      return;
    }
    this.#waiting = true;
    loads.load(source, { topic: topic.name, after, through: trimmedThrough }, priority, signal).then(
      (page) => this.#arrive(page),
      (error) => {
        if (signal.aborted) return;
        this.#options.failed(trimmedThrough, error);
        this.#arrive({ messages: [], through: trimmedThrough });
      },
    );
  }

  #arrive(page: LoadedPage): void {
    if (this.#options.signal.aborted) return;
    this.#waiting = false;
    this.#page = page;
    this.#index = 0;
    if (page.messages.length === 0) this.#goOn();
    if (!this.#waiting) this.#options.arrived();
  }
}

const NOTHING: LogReader = { peek: () => undefined, advance() {}, takeSkipped: () => 0 };
