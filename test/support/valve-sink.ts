import type { BatchLimits, Sink, SinkFeedback, SinkFrame, WriteOutcome } from "../../src/fanout/index.ts";
import type { EndFrame, GapFrame, MessageFrame } from "../../src/protocol/index.ts";

/**
 * - `open`: every batch is handed over at once.
 * - `shut`: every batch stays outstanding until {@link ValveSink.release}.
 * - `prompt`: every batch is confirmed from inside `write`, which a sink may do.
 * - `pulled`: every batch is handed over, and the next one waits for {@link ValveSink.pull}.
 */
export type Valve = "open" | "shut" | "prompt" | "pulled";

/** What a {@link ValveSink} recorded: a frame that it was given, the notice it wrote in its place, or the end. */
export type Recorded = SinkFrame | EndFrame;

/** Breaches of the port's contract by the engine, in all sinks of this process; see `failOnLeaks`. */
export const contractFaults: string[] = [];

export interface ValveSinkOptions {
  readonly valve?: Valve;
  readonly batch?: BatchLimits;
  /** Messages that this sink cannot encode. */
  readonly cannotRender?: (message: MessageFrame) => boolean;
  /** Sees every batch before the sink answers. */
  readonly onWrite?: (frames: readonly Recorded[], sink: ValveSink) => void;
  readonly onEnd?: (frame: EndFrame, sink: ValveSink) => void;
}

/**
 * A sink with a hand valve that records what it gets and checks, on the engine's behalf, every rule of the port.
 * A breach is kept in {@link contractFaults} rather than thrown: the engine contains what a sink throws.
 */
export class ValveSink implements Sink {
  readonly batch?: BatchLimits;
  readonly pulled: boolean;
  valve: Valve;
  /** Everything in the order it came, the end included. */
  readonly frames: Recorded[] = [];
  /** The sizes of the batches, in frames. */
  readonly batches: number[] = [];
  #end: EndFrame | undefined;
  readonly #options: ValveSinkOptions;
  #feedback: SinkFeedback | undefined;
  #outstanding = false;
  #paused: boolean;
  #closed = false;

  constructor(options: ValveSinkOptions = {}) {
    this.#options = options;
    this.valve = options.valve ?? "open";
    this.pulled = this.valve === "pulled";
    this.#paused = this.pulled;
    if (options.batch !== undefined) this.batch = options.batch;
  }

  /** A batch is under way. */
  get outstanding(): boolean {
    return this.#outstanding;
  }

  get ended(): EndFrame | undefined {
    return this.#end;
  }

  /** The messages it got, by offset. */
  get offsets(): number[] {
    return this.frames.filter((frame) => frame.kind === "message").map((frame) => frame.offset);
  }

  get gaps(): GapFrame[] {
    return this.frames.filter((frame) => frame.kind === "gap");
  }

  /** The frames as one line: `started 1 2 gap(3..5×3) 6 end:draining`. */
  toString(): string {
    return this.frames.map(brief).join(" ");
  }

  open(feedback: SinkFeedback): void {
    this.#keep(this.#feedback === undefined, "open called twice");
    this.#feedback = feedback;
  }

  write(frames: readonly SinkFrame[]): WriteOutcome {
    const feedback = this.#opened();
    this.#keep(this.#end === undefined, "write after the end");
    this.#keep(!this.#outstanding, "a second write while one is outstanding");
    this.#keep(!this.#paused, "a write while paused");
    this.#keep(frames.length > 0, "an empty batch");
    for (const [index, frame] of frames.entries()) {
      const first = this.frames.length === 0 && index === 0;
      this.#keep((frame.kind === "started") === first, `"started" must be the first frame and only that`);
      this.#keep((frame.kind as string) !== "end", "an end among the frames");
    }
    this.#keepLimits(frames);
    // Copied, because the array is the engine's.
    const recorded = frames.map((frame) =>
      frame.kind === "message" && this.#options.cannotRender?.(frame) === true
        ? feedback.unrenderable(frame)
        : frame,
    );
    this.frames.push(...recorded);
    this.batches.push(frames.length);
    this.#outstanding = true;
    this.#options.onWrite?.(recorded, this);
    if (this.#closed) return "pending";
    if (this.valve === "shut") return "pending";
    this.#outstanding = false;
    if (this.valve === "prompt") {
      feedback.written();
      return "pending";
    }
    if (this.valve === "open") return "done";
    this.#paused = true;
    return "paused";
  }

  end(frame: EndFrame): void {
    this.#opened();
    this.#keep(this.#end === undefined, "a second end");
    this.#end = frame;
    this.frames.push(frame);
    this.#options.onEnd?.(frame, this);
  }

  /** Confirms the outstanding batch, if there is one. The valve stays as it is. */
  release(): void {
    if (!this.#outstanding || this.#closed) return;
    this.#outstanding = false;
    this.#feedback?.written();
  }

  shutValve(): void {
    this.valve = "shut";
  }

  /** Opens the valve and confirms what is outstanding. */
  openValve(): void {
    this.valve = "open";
    this.release();
  }

  pull(): void {
    this.#paused = false;
    this.#feedback?.pull();
  }

  /** The other side goes away: an outstanding batch is never confirmed. */
  close(): void {
    this.#closed = true;
    this.#feedback?.closed();
  }

  /** Confirms a batch that was confirmed or never written: a sink that gets it wrong must do no harm. */
  confirmAgain(): void {
    this.#feedback?.written();
  }

  #opened(): SinkFeedback {
    this.#keep(this.#feedback !== undefined, "used before open");
    return this.#feedback as SinkFeedback;
  }

  /** The control frames and the notices of one place go together; what waits behind them keeps to the limits. */
  #keepLimits(frames: readonly SinkFrame[]): void {
    if (this.batch === undefined) return;
    const messages = frames.filter((frame) => frame.kind === "message");
    this.#keep(messages.length <= this.batch.frames, `${messages.length} messages in one batch`);
    const bytes = messages.reduce((sum, message) => sum + message.bytes, 0);
    this.#keep(messages.length < 2 || bytes <= this.batch.bytes, `${bytes} bytes in one batch`);
  }

  #keep(kept: boolean, fault: string): void {
    if (!kept) contractFaults.push(`${fault}; so far: ${this}`);
  }
}

function brief(frame: Recorded): string {
  switch (frame.kind) {
    case "message":
      return String(frame.offset);
    case "gap": {
      const count = frame.count === undefined ? "?" : frame.count;
      const reason = frame.reason === "overflow" ? "" : `:${frame.reason}`;
      return `gap(${frame.from}..${frame.to}×${count}${reason})`;
    }
    case "progress":
      return `progress(${frame.position.offset})`;
    case "state":
      return frame.state;
    case "end":
      return `end:${frame.reason}`;
    case "started":
      return "started";
  }
}
