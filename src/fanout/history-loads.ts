import PQueue from "p-queue";
import type { Clock } from "../clock.ts";
import { SpillwayError } from "../errors.ts";
import type {
  HistoryLoadOptions,
  HistoryPage,
  HistoryRequest,
  HistorySource,
  StoredMessage,
} from "./history-source.ts";
import { Message } from "./message.ts";
import { copyPayload, messageBytes } from "./publication.ts";

/** A page as messages, shared by everybody who asked for it. */
export interface LoadedPage {
  readonly messages: readonly Message[];
  readonly through: number;
}

/** Loads now, and how those fared that are over. Who shares a load is not counted twice. */
export interface HistoryLoadCounts {
  readonly running: number;
  /** For their turn. */
  readonly waiting: number;
  readonly completed: number;
  /** The source failed, took too long, or answered with something else than the page. */
  readonly failed: number;
  /** Nobody wanted the page any more. */
  readonly cancelled: number;
}

/** One load, waiting or running, and those who want its page. */
interface SharedLoad {
  readonly page: Promise<LoadedPage>;
  readonly abort: AbortController;
  /** Its name in the queue. */
  readonly id: string;
  priority: number;
  wanted: number;
}

/**
 * Admits loads from history sources: so many at once, the others wait in line by priority. Identical loads that wait
 * or run at the same time are one load. A job is the load alone: it never waits for a subscriber, so subscribers that
 * read slowly, or not at all, hold up nobody's load.
 */
export class HistoryLoads {
  readonly #clock: Clock;
  readonly #queue: PQueue;
  #pageMessages: number;
  #timeoutMs: number;
  readonly #shared = new Map<string, SharedLoad>();
  /** Ids of loads that wait for their turn. */
  readonly #waiting = new Set<string>();
  #begun = 0;
  #running = 0;
  #completed = 0;
  #failed = 0;
  #cancelled = 0;

  constructor(options: Required<HistoryLoadOptions>, clock: Clock) {
    this.#clock = clock;
    this.#queue = new PQueue({ concurrency: options.concurrency });
    this.#timeoutMs = options.timeoutMs;
    this.#pageMessages = options.pageMessages;
  }

  /** For loads that have not begun. */
  reconfigure(options: Required<HistoryLoadOptions>): void {
    this.#queue.concurrency = options.concurrency;
    this.#timeoutMs = options.timeoutMs;
    this.#pageMessages = options.pageMessages;
  }

  counts(): HistoryLoadCounts {
    return {
      running: this.#running,
      waiting: this.#waiting.size,
      completed: this.#completed,
      failed: this.#failed,
      cancelled: this.#cancelled,
    };
  }

  /**
   * Loads the messages of a topic behind `after`, one page of them.
   *
   * @param priority - higher ones get their turn first; a shared load has the highest of its callers
   * @param cancelled - aborted when this caller does not want it any more; what becomes of the promise then tells nothing
   */
  load(
    source: HistorySource,
    wanted: { topic: string; after: number; through: number },
    priority: number,
    cancelled: AbortSignal,
  ): Promise<LoadedPage> {
    const page = `${wanted.after} ${wanted.through} ${wanted.topic}`;
    const load = this.#shared.get(page) ?? this.#begin(page, source, wanted, priority);
    load.wanted++;
    if (priority > load.priority && this.#waiting.has(load.id)) {
      load.priority = priority;
      this.#queue.setPriority(load.id, priority);
    }
    const leave = () => {
      load.wanted--;
      if (load.wanted > 0) return;
      // Out of the way at once: who asks for the same page now gets a load of its own.
      if (this.#shared.get(page) === load) this.#shared.delete(page);
      load.abort.abort(new Error("nobody waits for this page any more"));
    };
    cancelled.addEventListener("abort", leave, { once: true });
    return load.page.finally(() => cancelled.removeEventListener("abort", leave));
  }

  #begin(
    name: string,
    source: HistorySource,
    wanted: { topic: string; after: number; through: number },
    priority: number,
  ): SharedLoad {
    const id = `${++this.#begun}`;
    const abort = new AbortController();
    const run = async (): Promise<LoadedPage> => {
      this.#waiting.delete(id);
      this.#running++;
      // The timeout begins with the load, not with the wait for its turn.
      const timeoutMs = this.#timeoutMs;
      const cancelTimeout = this.#clock.after(timeoutMs, () => {
        abort.abort(new SpillwayError("TIMEOUT", `a history page took longer than ${timeoutMs} ms`));
      });
      try {
        const request: HistoryRequest = { ...wanted, limit: this.#pageMessages, signal: abort.signal };
        const page = await Promise.race([source.load(request), rejectOnAbort(abort.signal)]);
        return toMessages(page, request);
      } finally {
        cancelTimeout();
        this.#running--;
      }
    };
    this.#waiting.add(id);
    const over = () => {
      this.#waiting.delete(id);
      if (this.#shared.get(name) === load) this.#shared.delete(name);
    };
    const page = this.#queue.add(run, { id, priority, signal: abort.signal }).then(
      (loaded) => {
        over();
        this.#completed++;
        return loaded;
      },
      (error) => {
        over();
        if (load.wanted > 0) this.#failed++;
        else this.#cancelled++;
        throw error;
      },
    );
    const load: SharedLoad = { page, abort, id, priority, wanted: 0 };
    this.#shared.set(name, load);
    return load;
  }
}

/** A source that ignores its signal must not keep its place for ever. */
function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

/** @throws RangeError when the page is not what was asked for */
function toMessages(
  { messages, through }: HistoryPage,
  { topic, after, through: most, limit }: HistoryRequest,
): LoadedPage {
  if (!(through > after && through <= most)) {
    throw new RangeError(
      `expected a history page through an offset above ${after} and up to ${most}, got ${through}`,
    );
  }
  if (messages.length > limit) {
    throw new RangeError(`expected a history page of at most ${limit} messages, got ${messages.length}`);
  }
  let previousOffset = 0;
  const read = messages.map((stored) => {
    const least = Math.max(previousOffset, after);
    if (!Number.isSafeInteger(stored.offset) || stored.offset <= least || stored.offset > through) {
      throw new RangeError(
        `expected ascending offsets above ${least} and up to ${through} in a history page, got ${stored.offset}`,
      );
    }
    const message = toMessage(topic, previousOffset, stored);
    previousOffset = stored.offset;
    return message;
  });
  return { messages: read, through };
}

function toMessage(topic: string, previousOffset: number, stored: StoredMessage): Message {
  const { offset, key, headers, publishedAtMs, tombstone = false } = stored;
  return new Message({
    topic,
    offset,
    previousOffset,
    key,
    headers,
    publishedAtMs,
    tombstone,
    expiresAtMs: undefined,
    lingerMs: 0,
    publishedAtWatch: 0,
    payload: copyPayload(stored.payload),
    bytes: messageBytes(stored.payload, { key, headers }, Number.POSITIVE_INFINITY),
  });
}
