/** Has clients that end at once, which is no fault of a server. @module */
import { tcpSystem } from "./tcp-system.ts";

export default {
  ...tcpSystem("deserting"),
  subscribe: () => process.exit(3),
};
