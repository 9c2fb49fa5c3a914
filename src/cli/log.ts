/**
 * The log of a server: JSON lines on stderr, by pino.
 *
 * A log must not slow down what it tells of. Where its reader stops reading, lines wait up to a bound, further ones are
 * dropped, and how many those were is told once it reads again.
 *
 * @module
 */
import type { Writable } from "node:stream";
import { type Logger, pino } from "pino";
import { flushed } from "./output.ts";

/** Of lines that wait for their reader, in characters. */
const MOST_WAITING = 1024 * 1024;

export interface Log {
  readonly logger: Logger;
  /** Waits until everything is written, but not for ever. */
  flush(): Promise<void>;
}

/** @param level - of pino: the least important lines that are written */
export function openLog(level: string, stream: Writable = process.stderr): Log {
  let dropped = 0;
  const logger = pino(
    { level },
    {
      write(line: string) {
        if (stream.writableLength < MOST_WAITING) stream.write(line);
        else dropped++;
      },
    },
  );
  stream.on("drain", () => {
    if (dropped === 0) return;
    const lines = dropped;
    dropped = 0;
    logger.warn({ dropped: lines }, "lines of this log were dropped: nobody read them in time");
  });
  return { logger, flush: () => flushed(stream) };
}
