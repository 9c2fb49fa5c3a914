/** Loses a message, and says so. @module */
import { lossNotice, tcpSystem } from "./tcp-system.ts";

export default tcpSystem("announcing", {
  corrupt: (payload, sequence) => (sequence === 5 ? [lossNotice(1)] : [payload]),
});
