/**
 * The load: messages on a fixed schedule, whose text says when each was due.
 *
 * The schedule is open-loop. A message is due at `start + n / rate`, whether or not the one before was late, and
 * latency is counted from there: a server that stalls cannot hide the wait by sending less.
 *
 * Times are nanoseconds of `process.hrtime.bigint()`, one monotonic clock for all processes of a machine.
 *
 * @module
 */

export interface LoadMessage {
  /** 1, 2, 3, … without holes. */
  readonly sequence: number;
  readonly dueNs: bigint;
}

/** Readable text, as the blog post's contract carries text, filled up to `bytes`. */
export function formatLoad({ sequence, dueNs }: LoadMessage, bytes: number): string {
  return `load ${sequence} due ${dueNs} `.padEnd(bytes, ".");
}

/** @throws Error for any other text */
export function parseLoad(text: string): LoadMessage {
  const [, sequence, dueNs] = /^load (\d+) due (\d+) /.exec(text) ?? [];
  if (sequence === undefined || dueNs === undefined) {
    throw new Error(`expected a message of the load, got ${JSON.stringify(text.slice(0, 60))}`);
  }
  return { sequence: Number(sequence), dueNs: BigInt(dueNs) };
}

/** How late a message is by now, in milliseconds. */
export function latencyMs({ dueNs }: LoadMessage): number {
  return Number(process.hrtime.bigint() - dueNs) / 1e6;
}

/** When the messages are due. */
export class Schedule {
  readonly startNs: bigint;
  readonly periodNs: bigint;

  constructor(startNs: bigint, messagesPerSecond: number) {
    this.startNs = startNs;
    this.periodNs = BigInt(Math.round(1e9 / messagesPerSecond));
  }

  dueNs(sequence: number): bigint {
    return this.startNs + BigInt(sequence - 1) * this.periodNs;
  }

  /** The first message that is due at `ns` or later. */
  firstDueAt(ns: bigint): number {
    if (ns <= this.startNs) return 1;
    return Number((ns - this.startNs + this.periodNs - 1n) / this.periodNs) + 1;
  }
}

/** Publishes on schedule until stopped. */
export class Load {
  readonly schedule: Schedule;
  readonly #publish: (message: LoadMessage) => void;
  #sequence = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(messagesPerSecond: number, publish: (message: LoadMessage) => void) {
    this.schedule = new Schedule(process.hrtime.bigint(), messagesPerSecond);
    this.#publish = publish;
    this.#run();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #run(): void {
    let waitNs = 0n;
    for (;;) {
      const message = { sequence: this.#sequence + 1, dueNs: this.schedule.dueNs(this.#sequence + 1) };
      waitNs = message.dueNs - process.hrtime.bigint();
      if (waitNs > 0n) break;
      this.#sequence = message.sequence;
      this.#publish(message);
    }
    this.#timer = setTimeout(() => this.#run(), Math.ceil(Number(waitNs) / 1e6));
  }
}
