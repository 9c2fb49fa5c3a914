import type { Sink, SinkFeedback, SinkFrame, WriteOutcome } from "../../src/fanout/index.ts";

/** A sink that takes everything at once: what is left to measure is the engine. */
export class NullSink implements Sink {
  messages = 0;

  open(_feedback: SinkFeedback): void {}

  write(frames: readonly SinkFrame[]): WriteOutcome {
    this.messages += frames.length;
    return "done";
  }

  end(): void {}
}
