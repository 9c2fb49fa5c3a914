/** Tells of a loss that never was. @module */
import { lossNotice, tcpSystem } from "./tcp-system.ts";

export default tcpSystem("lying", {
  corrupt: (payload, sequence) => (sequence === 5 ? [lossNotice(1), payload] : [payload]),
});
