import type { Sink, SinkFeedback, SinkFrame, WriteOutcome } from "../../src/fanout/index.ts";

/** Counts deliveries to any number of sinks, and says when there were as many as expected. */
export class Tally {
  #missing = 0;
  #complete: (() => void) | undefined;

  /** Resolves in the step in which the last of so many messages arrives. */
  expect(messages: number): Promise<void> {
    if (this.#missing !== 0) throw new Error(`${this.#missing} messages are still expected`);
    this.#missing = messages;
    return new Promise((resolve) => {
      this.#complete = resolve;
    });
  }

  count(messages: number): void {
    if (messages === 0) return;
    this.#missing -= messages;
    if (this.#missing < 0) throw new Error(`${-this.#missing} messages more than expected`);
    if (this.#missing === 0) this.#complete?.();
  }
}

/** A sink that takes everything at once: what is left to measure is the engine. */
export class NullSink implements Sink {
  readonly pulled: boolean;
  readonly #tally: Tally;
  #feedback: SinkFeedback | undefined;

  /** @param pulled - it begins paused, and takes everything once it was pulled */
  constructor(tally: Tally, pulled = false) {
    this.#tally = tally;
    this.pulled = pulled;
  }

  open(feedback: SinkFeedback): void {
    this.#feedback = feedback;
  }

  pull(): void {
    this.#feedback?.pull();
  }

  write(frames: readonly SinkFrame[]): WriteOutcome {
    let messages = 0;
    for (let index = 0; index < frames.length; index++) if (frames[index]!.kind === "message") messages++;
    this.#tally.count(messages);
    return "done";
  }

  end(): void {}
}

/** A sink whose first write never completes. */
export class StuckSink implements Sink {
  open(): void {}

  write(): WriteOutcome {
    return "pending";
  }

  end(): void {}
}
