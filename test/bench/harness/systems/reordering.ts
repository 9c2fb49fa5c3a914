/** Sends one message after the one behind it. @module */
import { tcpSystem } from "./tcp-system.ts";

let held: Uint8Array[] = [];

export default tcpSystem("reordering", {
  kind: "baseline",
  corrupt(payload, sequence) {
    if (sequence === 5) {
      held = [payload];
      return [];
    }
    const after = held;
    held = [];
    return [payload, ...after];
  },
});
