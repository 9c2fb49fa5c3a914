/** Standard input, line by line. @module */
import type { Readable } from "node:stream";
import { CommandError } from "./errors.ts";

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** Far above what a server accepts; without it, a file without line ends would be read into memory. */
const LONGEST_LINE = 64 * 1024 * 1024;

/**
 * The lines of a stream of bytes, without their ends (LF or CRLF). Bytes stay what they are, whatever encoding they
 * are in. A last line without an end counts, unless it is empty.
 *
 * @throws CommandError for a line of more than 64 MiB
 */
export async function* lines(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  let pieces: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of source) {
    let from = 0;
    for (let to = chunk.indexOf(NEWLINE); to !== -1; to = chunk.indexOf(NEWLINE, from)) {
      pieces.push(chunk.subarray(from, to));
      yield withoutReturn(Buffer.concat(pieces));
      pieces = [];
      length = 0;
      from = to + 1;
    }
    pieces.push(chunk.subarray(from));
    length += chunk.length - from;
    if (length > LONGEST_LINE) {
      throw new CommandError(
        `expected lines of at most ${LONGEST_LINE} bytes on standard input, got a longer one`,
      );
    }
  }
  if (length > 0) yield withoutReturn(Buffer.concat(pieces));
}

function withoutReturn(line: Uint8Array): Uint8Array {
  return line.at(-1) === CARRIAGE_RETURN ? line.subarray(0, -1) : line;
}

/**
 * What a stream has until the signal is aborted; then it ends as if nothing more came, and the stream is destroyed.
 *
 * @throws CommandError when it cannot be read
 */
export async function* untilAborted(stream: Readable, signal: AbortSignal): AsyncGenerator<Uint8Array, void> {
  const stop = (): void => {
    stream.destroy();
  };
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  try {
    yield* stream;
  } catch (error) {
    // Being destroyed is an error to a stream that is read.
    if (!signal.aborted)
      throw new CommandError(`cannot read standard input: ${String(error)}`, { cause: error });
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
