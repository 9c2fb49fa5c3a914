/** Does what it should. @module */
import { tcpSystem } from "./tcp-system.ts";

export default tcpSystem("honest");
