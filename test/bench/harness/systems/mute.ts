/** Never starts. @module */
import { tcpSystem } from "./tcp-system.ts";

export default { ...tcpSystem("mute"), start: () => new Promise<never>(() => {}) };
