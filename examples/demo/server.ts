/** The server process: a hub with the readings of this machine and the load, served over gRPC. @module */
import { startDemoFeed } from "../../src/cli/demo-feed.ts";
import { Hub, serve } from "../../src/index.ts";
import { formatLoad, Load } from "./load.ts";
import type { FromServer, ToServer } from "./messages.ts";
import { listenToParent, tellParent } from "./parent.ts";
import { HEALTHY_QUEUE, LOAD_TOPIC, MESSAGE_BYTES, REPORT_EVERY_MS, STALLED } from "./plan.ts";

const hub = new Hub({ queue: HEALTHY_QUEUE, ...STALLED });
const offsets: number[] = [];
const load = new Load((message) => {
  offsets.push(hub.publish(LOAD_TOPIC, formatLoad(message, MESSAGE_BYTES)).offset);
});
let guarded: number | undefined;

listenToParent<ToServer>(
  (message) => {
    switch (message.type) {
      case "pace-load": {
        const { firstSequence, startNs } = load.pace(message.messagesPerSecond);
        return tell({ type: "load-paced", firstSequence, startNs });
      }
      case "stop-load":
        load.stop();
        return tell({ type: "load-stopped", count: offsets.length });
      case "guard":
        guarded = message.pid;
        return;
      case "report":
        return tell({ type: "report", offsets, subscriptions: subscriptions(), hub: hub.stats() });
    }
  },
  () => {
    if (guarded !== undefined) process.kill(guarded, "SIGKILL");
  },
);

const { address } = await serve(hub, { listen: "127.0.0.1:0", longlived: { topic: LOAD_TOPIC } });
startDemoFeed(hub);
setInterval(() => tell({ type: "stats", subscriptions: subscriptions() }), REPORT_EVERY_MS);
tell({ type: "ready", address });

function subscriptions() {
  return [...hub.subscriptions()].map((subscription) => subscription.stats());
}

function tell(message: FromServer): void {
  tellParent(message);
}
