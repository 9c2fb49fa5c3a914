/** Knows of itself that its books do not balance. @module */
import { tcpSystem } from "./tcp-system.ts";

const counters = {
  dropped: 0,
  conflated: 0,
  evicted: 0,
  queued: 0,
  queuedBytes: 0,
  writes: 0,
  balanced: false,
};

export default tcpSystem("unbalanced", { counters: () => counters });
