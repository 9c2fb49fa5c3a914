/** Loses a message without a word, and never promised not to. @module */
import { tcpSystem } from "./tcp-system.ts";

export default tcpSystem("losing-baseline", {
  kind: "baseline",
  corrupt: (payload, sequence) => (sequence === 5 ? [] : [payload]),
});
