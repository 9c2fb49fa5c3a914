/**
 * A subscription that outlives its calls: reads one server stream, and when that ends, decides whether to open
 * another, when, and from where. Both services are read through it; what differs is in a {@link Feed}.
 *
 * - At most one call is open at any time.
 * - It moves when it is read. Nothing is buffered here, a reader that stops stops its stream, and a call that
 *   ended is replaced when the reader has taken what it had received and asks for more.
 * - It ends once: the stream is complete, or the reader left (silently by `return()` and `close()`; an aborted
 *   signal is thrown to it, as its reason), or coming back cannot help, which is thrown to the reader once.
 * - Leaving takes effect at once, also while `next()` waits.
 *
 * @module
 */
import type { Clock } from "../../../clock.ts";
import { hookError } from "../../../diagnostics.ts";
import { SpillwayError } from "../../../errors.ts";
import { CLOSE_REASONS } from "../../../protocol/index.ts";
import { Backoff, type BackoffOptions } from "./backoff.ts";
import type { CallEvents, Connection } from "./connection.ts";
import type { PullCall } from "./pull-call.ts";
import { connectTimedOut, decide, type Verdict } from "./verdict.ts";

/**
 * - `connecting`: a call is open, the server has not answered yet.
 * - `live`: the server has answered; messages come as they are published.
 * - `waiting`: the last call ended; the next one is opened after a delay.
 * - `ended`: over, for good.
 */
export type RemoteSubscriptionState = "connecting" | "live" | "waiting" | "ended";

export interface StateChange {
  readonly state: RemoteSubscriptionState;
  /** Calls opened so far, the present one included; 1 is the first. */
  readonly attempt: number;
  /** With `waiting`: until the next attempt, in milliseconds. */
  readonly delayMs?: number;
  /** With `waiting` and `ended`: what ended the last call; absent where nothing went wrong. */
  readonly error?: SpillwayError;
}

/** How a call ended that another one follows. */
export interface CallEnd {
  /** The position is worthless; the next call goes without it. */
  readonly fresh: boolean;
  /** The server said why it ended the call. */
  readonly told: boolean;
}

/** What a service adds to the mechanism. */
export interface Feed<Item> {
  /** Opens a call from where the reader is. */
  open(events: CallEvents): PullCall<Buffer>;
  /** What the reader gets for a message of the call; `undefined` for nothing. Throws when it cannot be read. */
  accept(bytes: Buffer): Item | undefined;
  /** The call was opened with a position. */
  readonly resuming: boolean;
  /** The call has ended, and another one will be opened. */
  ended(end: CallEnd): void;
}

export interface ResubscribingOptions {
  readonly backoff: BackoffOptions;
  readonly connectTimeoutMs: number;
  readonly waitForServer: boolean;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  readonly onStateChange?: ((change: StateChange) => void) | undefined;
}

export class Resubscribing<Item> implements AsyncIterableIterator<Item>, AsyncDisposable {
  readonly #connection: Connection;
  readonly #feed: Feed<Item>;
  readonly #options: ResubscribingOptions;
  readonly #backoff: Backoff;
  readonly #onEnd: () => void;
  readonly #onAbort = (): void => {
    this.#aborted = true;
    this.close();
  };
  #state: RemoteSubscriptionState = "connecting";
  #attempt = 0;
  #call: PullCall<Buffer> | undefined;
  /** When the present call was answered and when it was over, on the clock; for the backoff. */
  #answeredAt: number | undefined;
  #overAt: number | undefined;
  #everAnswered = false;
  #aborted = false;
  #cancelTimer: (() => void) | undefined;
  #wakeWaiting: (() => void) | undefined;
  #reading: Promise<IteratorResult<Item, undefined>> | undefined;

  /**
   * @param onEnd called once, when it has ended.
   * @throws the signal's reason if it is aborted already
   */
  constructor(connection: Connection, feed: Feed<Item>, options: ResubscribingOptions, onEnd: () => void) {
    this.#connection = connection;
    this.#feed = feed;
    this.#options = options;
    this.#onEnd = onEnd;
    this.#backoff = new Backoff(options.backoff);
    options.signal?.throwIfAborted();
    this.#open();
    options.signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  get state(): RemoteSubscriptionState {
    return this.#state;
  }

  /** Calls of `next()` that overlap are answered one after the other. */
  next(): Promise<IteratorResult<Item, undefined>> {
    const before = this.#reading;
    // What one read throws belongs to that read alone; the ones queued behind it find the end.
    const reading = before === undefined ? this.#read() : before.catch(() => {}).then(() => this.#read());
    this.#reading = reading;
    const forget = (): void => {
      if (this.#reading === reading) this.#reading = undefined;
    };
    reading.then(forget, forget);
    return reading;
  }

  /** Ends the subscription at once. A `for await` that is left calls it. */
  async return(): Promise<IteratorResult<Item, undefined>> {
    this.close();
    return { done: true, value: undefined };
  }

  /** Ends the subscription at once and silently; `next()` that waits is done. Again does nothing. */
  close(): void {
    this.#end(undefined);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  async #read(): Promise<IteratorResult<Item, undefined>> {
    while (this.#call !== undefined) {
      const call = this.#call;
      const bytes = call.read();
      if (bytes !== undefined) {
        const item = this.#accept(bytes);
        if (item !== undefined) return { done: false, value: item };
      } else if (call.outcome === undefined) {
        await call.changed();
      } else {
        await this.#follow(decide(call.outcome.error, this.#situation()));
      }
    }
    if (this.#aborted) this.#options.signal?.throwIfAborted();
    return { done: true, value: undefined };
  }

  #accept(bytes: Buffer): Item | undefined {
    try {
      return this.#feed.accept(bytes);
    } catch (cause) {
      // Another attempt would read the same bytes the same way.
      const why = cause instanceof Error ? cause.message : String(cause);
      const error = new SpillwayError(
        "ENDED",
        `the server at ${this.#connection.address} sent a message that cannot be read: ${why}`,
        { cause, reason: "INTERNAL" },
      );
      this.#end(error);
      throw error;
    }
  }

  #situation() {
    return {
      address: this.#connection.address,
      resuming: this.#feed.resuming,
      mustReach: !this.#options.waitForServer && !this.#everAnswered,
    };
  }

  async #follow(verdict: Verdict): Promise<void> {
    if (verdict.kind === "finish") return this.#end(undefined);
    if (verdict.kind === "fail") {
      this.#end(verdict.error);
      throw verdict.error;
    }
    const told = Object.hasOwn(CLOSE_REASONS, verdict.error.reason ?? "");
    this.#feed.ended({ fresh: verdict.fresh, told });
    const liveMs = this.#answeredAt === undefined ? 0 : (this.#overAt ?? this.#answeredAt) - this.#answeredAt;
    if (this.#answeredAt !== undefined && liveMs >= this.#backoff.resetAfterMs) this.#backoff.reset();
    const delayMs = this.#backoff.next(verdict.floorMs);
    const waited = new Promise<void>((resolve) => {
      const cancel = this.#options.clock.after(delayMs, resolve);
      this.#wakeWaiting = () => {
        cancel();
        resolve();
      };
    });
    this.#become("waiting", { delayMs, error: verdict.error });
    await waited;
    this.#wakeWaiting = undefined;
    if (this.#call === undefined) return;
    this.#open();
    this.#become("connecting");
  }

  #open(): void {
    this.#attempt += 1;
    this.#answeredAt = undefined;
    this.#overAt = undefined;
    const { clock, connectTimeoutMs } = this.#options;
    const call = this.#feed.open({
      onAnswered: () => {
        this.#stopTimer();
        // A call that was left is nobody's business any more, though its answer may still arrive.
        if (this.#call !== call) return;
        this.#answeredAt = clock.now();
        this.#everAnswered = true;
        this.#become("live");
      },
      onOver: () => {
        this.#stopTimer();
        this.#overAt = clock.now();
      },
    });
    this.#call = call;
    // Only until the connection is up: on it, a server may stay silent for as long as it likes.
    this.#cancelTimer = clock.after(connectTimeoutMs, () => {
      if (this.#call !== call || call.outcome !== undefined || this.#connection.ready) return;
      call.cancel({ error: connectTimedOut(connectTimeoutMs) });
      this.#connection.renew();
    });
  }

  #end(error: SpillwayError | undefined): void {
    if (this.#state === "ended") return;
    const call = this.#call;
    this.#call = undefined;
    this.#stopTimer();
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    call?.cancel();
    this.#wakeWaiting?.();
    this.#onEnd();
    this.#become("ended", error === undefined ? {} : { error });
  }

  #stopTimer(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  /** The only place where the state changes. */
  #become(state: RemoteSubscriptionState, more: { delayMs?: number; error?: SpillwayError } = {}): void {
    if (this.#state === "ended") return;
    this.#state = state;
    try {
      this.#options.onStateChange?.({ state, attempt: this.#attempt, ...more });
    } catch (error) {
      // It may run in an event of grpc-js, where a throw would end the process.
      if (hookError.hasSubscribers) hookError.publish({ epoch: undefined, hook: "onStateChange", error });
      else process.emitWarning(`onStateChange threw, which was ignored: ${String(error)}`);
    }
  }
}
