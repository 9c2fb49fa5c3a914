/**
 * The load: messages on a fixed schedule, whose text says when each was due.
 *
 * The schedule is open-loop. A message is due when it is due, whether or not the one before was late, and latency
 * is counted from there: a server that stalls cannot hide the wait by sending less.
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
export function latencyMs({ dueNs }: Pick<LoadMessage, "dueNs">): number {
  return Number(process.hrtime.bigint() - dueNs) / 1e6;
}

/** When the messages from `firstSequence` on are due. */
export class Schedule {
  readonly firstSequence: number;
  readonly startNs: bigint;
  readonly #periodNs: bigint;

  constructor(firstSequence: number, startNs: bigint, messagesPerSecond: number) {
    this.firstSequence = firstSequence;
    this.startNs = startNs;
    this.#periodNs = BigInt(Math.round(1e9 / messagesPerSecond));
  }

  dueNs(sequence: number): bigint {
    return this.startNs + BigInt(sequence - this.firstSequence) * this.#periodNs;
  }

  /** The first message of this schedule that is due at `ns` or later. */
  firstDueAt(ns: bigint): number {
    if (ns <= this.startNs) return this.firstSequence;
    return this.firstSequence + Number((ns - this.startNs + this.#periodNs - 1n) / this.#periodNs);
  }
}

/** Publishes on schedule until stopped. */
export class Load {
  readonly #publish: (message: LoadMessage) => void;
  #published = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(publish: (message: LoadMessage) => void) {
    this.#publish = publish;
  }

  /** Goes on, or begins, at another pace. @returns the schedule from now on */
  pace(messagesPerSecond: number): Schedule {
    this.stop();
    const schedule = new Schedule(this.#published + 1, process.hrtime.bigint(), messagesPerSecond);
    this.#run(schedule);
    return schedule;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #run(schedule: Schedule): void {
    for (;;) {
      const sequence = this.#published + 1;
      const dueNs = schedule.dueNs(sequence);
      const waitNs = dueNs - process.hrtime.bigint();
      if (waitNs > 0n) {
        this.#timer = setTimeout(() => this.#run(schedule), Math.ceil(Number(waitNs) / 1e6));
        return;
      }
      this.#published = sequence;
      this.#publish({ sequence, dueNs });
    }
  }
}
