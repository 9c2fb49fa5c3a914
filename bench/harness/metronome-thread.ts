/** The thread of the metronome: sleeps until what the slate says, and posts a message. @module */
import { parentPort, workerData } from "node:worker_threads";
import { NANOS_PER_MS, nowNanos } from "./clock.ts";
import type { Slate } from "./metronome.ts";

const { due, changed } = workerData as Slate;
parentPort!.postMessage("ready");

// It blocks for good, on purpose: it is ended from outside.
for (let seen = 0; ; ) {
  Atomics.wait(changed, 0, seen);
  seen = Atomics.load(changed, 0);
  const dueNanos = Number(Atomics.load(due, 0));
  for (let left = dueNanos - nowNanos(); left > 0; left = dueNanos - nowNanos()) {
    Atomics.wait(changed, 0, seen, left / NANOS_PER_MS);
  }
  parentPort!.postMessage("due");
}
