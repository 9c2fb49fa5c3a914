/** Sends its first subscriber nothing any more from the middle on. @module */
import { tcpSystem } from "./tcp-system.ts";

export default tcpSystem("swallowing", { corrupt: (payload, sequence) => (sequence < 20 ? [payload] : []) });
