/**
 * How a command fails: with one line on stderr for each thing that is wrong and an exit code, never with a stack trace.
 *
 * Exit codes: 0 done; 1 it went wrong (no server, refused, port in use); 2 the command line, or the configuration that it
 * runs with, is wrong. A process
 * that a signal ends before its work was done exits with 128 + the signal's number, as shells expect.
 *
 * @module
 */
import { CommanderError } from "commander";
import type { ConfigError } from "../config/index.ts";
import { SpillwayError } from "../errors.ts";

export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;

/** The command line is wrong. */
export class UsageError extends Error {}

/** It went wrong in a way that people understand without a stack trace. */
export class CommandError extends Error {}

/** What to print and to exit with, for anything that was thrown. */
export function describeFailure(error: unknown): {
  readonly lines: readonly string[];
  readonly exitCode: number;
} {
  if (error instanceof CommanderError) {
    // Commander has printed its own line by now; help and version are no failures.
    return { lines: [], exitCode: error.exitCode === 0 ? 0 : EXIT_USAGE };
  }
  if (error instanceof UsageError) return { lines: [error.message], exitCode: EXIT_USAGE };
  if (isConfigError(error)) return { lines: problemLines(error), exitCode: EXIT_USAGE };
  if (error instanceof CommandError || error instanceof SpillwayError) {
    return { lines: [error.message], exitCode: EXIT_FAILED };
  }
  const text = error instanceof Error ? error.message : String(error);
  return { lines: [`unexpected: ${text}`], exitCode: EXIT_FAILED };
}

/** By its code: the class comes with all that reads a configuration, and most commands read none. */
export function isConfigError(error: unknown): error is ConfigError {
  return error instanceof SpillwayError && error.code === "CONFIG_INVALID";
}

/** One line for each problem. What the library calls code is the flags here. */
export function problemLines({ problems }: ConfigError): readonly string[] {
  return problems.map(({ where, path, message }) => {
    const place = where === "code" ? "the command line" : where;
    return `${place}: ${path === "" ? "" : `${path}: `}${message}`;
  });
}

/** Text of any origin as one printable line. */
export function oneLine(text: string): string {
  return text
    .trim()
    .replace(/\s*[\r\n]+\s*/g, " ")
    .replace(/\p{Cc}/gu, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Prints a line about what happens, on stderr, where it does not disturb the output. */
export function note(text: string): void {
  process.stderr.write(`spillway: ${oneLine(text)}\n`);
}
