import { SpillwayError } from "../errors.ts";
import { CLOSE_REASONS, type EndFrame, type Frame, type Position } from "../protocol/index.ts";
import type { Sink, SinkFeedback, SinkFrame, WriteOutcome } from "./sink.ts";
import type { SubscriptionStats } from "./stats.ts";
import type { Subscription } from "./subscription.ts";
import type { SubscriptionState } from "./subscription-state.ts";

/** A reader of {@link LocalSubscription} who waits for its next frame. */
interface Reader {
  resolve(result: IteratorResult<Frame, undefined>): void;
  reject(error: unknown): void;
}

/** Hands frames to code of this process, one at a time and only when it asks, so that the rest stays queued. */
class ReaderSink implements Sink {
  readonly batch = { frames: 1, bytes: 1 };
  readonly pulled = true;
  readonly #onEnd: () => void;
  readonly #readers: Reader[] = [];
  /** Frames of the last batch that nobody has asked for yet. */
  readonly #surplus: Frame[] = [];
  #feedback: SinkFeedback | undefined;
  #end: EndFrame | undefined;

  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  open(feedback: SinkFeedback): void {
    this.#feedback = feedback;
  }

  write(frames: readonly SinkFrame[]): WriteOutcome {
    // More than one only when several gap notices stand at one place; the readers get them in turn.
    for (const frame of frames) {
      const reader = this.#readers.shift();
      if (reader === undefined) this.#surplus.push(frame);
      else reader.resolve({ done: false, value: frame });
    }
    return this.#readers.length > 0 ? "done" : "paused";
  }

  end(frame: EndFrame): void {
    this.#end = frame;
    this.#onEnd();
    for (const reader of this.#readers.splice(0)) this.#finish(reader, frame);
  }

  read(): Promise<IteratorResult<Frame, undefined>> {
    return new Promise((resolve, reject) => {
      const next = this.#surplus.shift();
      if (next !== undefined) return resolve({ done: false, value: next });
      const reader = { resolve, reject };
      if (this.#end !== undefined) return this.#finish(reader, this.#end);
      this.#readers.push(reader);
      this.#feedback?.pull();
    });
  }

  #finish(reader: Reader, end: EndFrame): void {
    // An application that closes its own hub expects its loops to finish, not to fail.
    const expected = CLOSE_REASONS[end.reason].advice === "stop" || end.reason === "draining";
    if (expected) reader.resolve({ done: true, value: undefined });
    else {
      const message = `the subscription ended (${end.reason}): ${end.detail}`;
      reader.reject(new SpillwayError("ENDED", message, { reason: end.reason }));
    }
  }
}

/**
 * A subscription of code in the same process, with the same queue and policies as everybody else's. It is live
 * from the moment it exists: what is published before the first read waits in the queue.
 *
 * Iterate it once. The frames are `started`, then messages, gaps and progress as they come. Leaving the loop ends
 * the subscription. The loop finishes when the subscription is closed, or with the hub; it throws a
 * `SpillwayError` with the code `ENDED` when the subscription was evicted, and the signal's reason when that was
 * aborted.
 */
export class LocalSubscription implements AsyncIterable<Frame>, AsyncDisposable {
  readonly #subscription: Subscription;
  readonly #sink: ReaderSink;
  readonly #signal: AbortSignal | undefined;

  /** For the hub. @param attach - makes a subscription that feeds this sink */
  constructor(attach: (sink: Sink) => Subscription, signal: AbortSignal | undefined) {
    signal?.throwIfAborted();
    const close = () => this.close();
    this.#sink = new ReaderSink(() => signal?.removeEventListener("abort", close));
    this.#subscription = attach(this.#sink);
    this.#signal = signal;
    signal?.addEventListener("abort", close, { once: true });
  }

  get id(): string {
    return this.#subscription.id;
  }

  get state(): SubscriptionState {
    return this.#subscription.state;
  }

  /** Everything up to here was handed to the loop, or was not for it. */
  get position(): Position {
    return this.#subscription.position;
  }

  stats(): SubscriptionStats {
    return this.#subscription.stats();
  }

  /** Ends it; a waiting reader finishes within this turn of the event loop. Does nothing the second time. */
  close(): void {
    this.#subscription.end("unsubscribed");
  }

  [Symbol.asyncIterator](): AsyncIterator<Frame, undefined> {
    return {
      next: async () => {
        const result = await this.#sink.read();
        if (result.done === true) this.#signal?.throwIfAborted();
        return result;
      },
      return: async () => {
        this.close();
        return { done: true, value: undefined };
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}
