/**
 * What every process of a trial does: serves one request after the other from the orchestrator, says when one fails, and
 * never outlives it.
 *
 * Ctrl-C reaches all processes of a terminal at once. The orchestrator decides what it means.
 *
 * @module
 */
import type { Failed } from "./messages.ts";

/** The system has no such thing. */
export class Unavailable extends Error {}

export function serveParent<In, Out>(
  answer: (request: In) => Promise<Out | undefined>,
): (message: Out) => void {
  const send = (message: Out | Failed): void => {
    if (process.connected) process.send!(message, () => {});
  };
  process.on("SIGINT", () => {});
  process.once("disconnect", () => process.exit());
  process.on("message", (request) => {
    answer(request as In).then(
      (message) => {
        if (message !== undefined) send(message);
      },
      (error: unknown) =>
        send({
          type: "failed",
          unavailable: error instanceof Unavailable,
          reason: error instanceof Error ? error.message : String(error),
        }),
    );
  });
  return send;
}
