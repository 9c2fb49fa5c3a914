/**
 * SIGINT and SIGTERM: the first one asks the command to end by itself; a second one ends the process at once, for
 * whoever does not want to wait. SIGHUP asks a server to read its configuration again.
 *
 * @module
 */
import { constants } from "node:os";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

export type StopSignal = (typeof SIGNALS)[number];

/** What shells expect of a process that a signal ended. */
export function exitCodeOf(signal: StopSignal): number {
  return 128 + constants.signals[signal];
}

/** Calls `reload` for every SIGHUP. Without it, that signal ends the process. */
export function onReloadSignal(reload: () => void): void {
  process.on("SIGHUP", reload);
}

/** Calls `stop` for the first signal. The listeners do not keep the process alive. */
export function onStopSignal(stop: (signal: StopSignal) => void): void {
  let asked = false;
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (asked) process.exit(exitCodeOf(signal));
      asked = true;
      stop(signal);
    });
  }
}
