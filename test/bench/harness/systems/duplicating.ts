/** Sends a message twice. @module */
import { tcpSystem } from "./tcp-system.ts";

export default tcpSystem("duplicating", {
  kind: "baseline",
  corrupt: (payload, sequence) => (sequence === 5 ? [payload, payload] : [payload]),
});
