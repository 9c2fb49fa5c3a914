/** Holds up the event loop, and the schedule with it. @module */
import { tcpSystem } from "./tcp-system.ts";

export default tcpSystem("blocking", {
  onPublish(sequence) {
    if (sequence === 1) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  },
});
