/**
 * Time, as a port: everything that waits or stamps asks a {@link Clock}, so that tests move time by hand.
 *
 * @module
 */

export interface Clock {
  /** Milliseconds with a fraction, never going back; only differences mean something. */
  now(): number;
  /** Unix time in milliseconds with a fraction. Does not jump when the wall clock is set: see {@link systemClock}. */
  unixMs(): number;
  /** Calls `run` about every `ms` until the returned function is called. Does not keep the process alive. */
  every(ms: number, run: () => void): () => void;
  /** Calls `run` once after `ms` unless the returned function is called before. Keeps the process alive. */
  after(ms: number, run: () => void): () => void;
  /** Calls `run` once, in this turn of the event loop after its I/O, or at the latest in the next one. */
  soon(run: () => void): void;
}

/**
 * The process's own clock. `unixMs` is the time at process start plus the monotonic time since, so a wall clock
 * that is set while the process runs changes nothing here; clocks of processes started far apart can differ by
 * the drift of the machine's clock.
 */
export const systemClock: Clock = {
  now: () => performance.now(),
  unixMs: () => performance.timeOrigin + performance.now(),
  every(ms, run) {
    const timer = setInterval(run, ms);
    timer.unref();
    return () => clearInterval(timer);
  },
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  soon(run) {
    setImmediate(run);
  },
};
