/** Its server dies in the measured time. @module */
import { tcpSystem } from "./tcp-system.ts";

export default tcpSystem("dying", {
  onPublish(sequence) {
    if (sequence !== 5) return;
    process.stderr.write("the last words of the server\n");
    process.exit(7);
  },
});
