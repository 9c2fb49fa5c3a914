/** Loses a message without a word. @module */
import { tcpSystem } from "./tcp-system.ts";

export default tcpSystem("losing", { corrupt: (payload, sequence) => (sequence === 5 ? [] : [payload]) });
