/**
 * Ten clients as in the blog post and an eleventh on the full contract hear the same load; the eleventh is frozen
 * for some seconds with SIGSTOP, and goes on. What the others felt of it, and what the eleventh lost and was told,
 * is measured in their own processes and held against the server's books.
 *
 * Exits with 0 when everything that Spillway promises about this was so, with 1 and a line for each point
 * otherwise.
 *
 * @module
 */
import { setMaxListeners } from "node:events";
import { constants } from "node:os";
import { Crew } from "./crew.ts";
import { DEADLINE_MS } from "./plan.ts";
import { openScreen } from "./screen.ts";
import { play } from "./story.ts";
import { summarize } from "./summary.ts";
import { judge } from "./verdict.ts";

/** Someone asked for the end. */
class Interrupted extends Error {
  readonly exitCode: number;
  constructor(exitCode: number) {
    super("interrupted");
    this.exitCode = exitCode;
  }
}

const stop = new AbortController();
// Every process that is waited for listens to it.
setMaxListeners(0, stop.signal);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => stop.abort(new Interrupted(128 + constants.signals[signal])));
}
// Nobody reads any more: `npm run demo | head`.
process.stdout.on("error", () => stop.abort(new Interrupted(128 + constants.signals.SIGPIPE)));
const deadline = setTimeout(
  () => stop.abort(new Error(`it was not over within ${DEADLINE_MS / 1_000} s: this machine is too busy`)),
  DEADLINE_MS,
);

const crew = new Crew((why) => stop.abort(new Error(why)));
const screen = await openScreen(process.stdout);
try {
  const evidence = await play(crew, screen, stop.signal);
  screen.close();
  const verdict = judge(evidence);
  console.log(summarize(evidence, verdict, screen.paint));
  process.exitCode = verdict.passed ? 0 : 1;
} catch (caught) {
  screen.close();
  // What was waited for when it was stopped throws errors of its own.
  const error: unknown = stop.signal.aborted ? stop.signal.reason : caught;
  if (error instanceof Interrupted) {
    process.exitCode = error.exitCode;
  } else {
    console.error(
      `The demo could not be finished: ${error instanceof Error ? error.message : String(error)}`,
    );
    process.exitCode = 1;
  }
} finally {
  clearTimeout(deadline);
  await crew.dismiss();
}
