/**
 * A client process of a trial: subscribers of one kind, and the books of what they got.
 *
 * @module
 */

import { loadSystem } from "../systems/index.ts";
import { serveParent } from "./child.ts";
import type { FromClient, ToClient } from "./messages.ts";
import { subscribeAll } from "./subscribers.ts";
import { Witness } from "./witness.ts";

const witness = new Witness();

serveParent<ToClient, FromClient>(async (request) => {
  switch (request.type) {
    case "subscribe": {
      const system = await loadSystem(request.module);
      await subscribeAll(system, request.address, request.subscribers, witness);
      return { type: "subscribed" };
    }
    case "settle":
      return { type: "settled", behind: await witness.settled(request.warmUp, request.limitMs) };
    case "begin":
      witness.begin(request.measured, request.warmUp);
      return { type: "begun" };
    case "finish":
      return { type: "report", report: await witness.finish(request.limitMs) };
  }
});
