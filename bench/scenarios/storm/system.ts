/**
 * Spillway with its full contract, which has positions; the systems that are compared with one another share one without.
 *
 * @module
 */
import { Hub, serve } from "../../../src/index.ts";
import type { System } from "../../system.ts";
import { GRPC_JS_VERSION } from "../../systems/grpc-contract.ts";
import { ResumableSubscriber, TOPIC } from "./resumable.ts";

const system: System = {
  name: "spillway",
  kind: "ours",
  about: "spillway.v1, with retention",
  probe: async () => ({ version: GRPC_JS_VERSION }),
  async start({ retainMessages = 65_536 }) {
    const hub = new Hub({ topics: { [TOPIC]: { retention: { messages: retainMessages, bytes: 2 ** 30 } } } });
    const served = await serve(hub, { listen: "127.0.0.1:0", longlived: false, drainTimeoutMs: 100 });
    return {
      address: served.address,
      publish: (payload) => void hub.publish(TOPIC, payload),
      stop: () => served.close(),
    };
  },
  async subscribe(address, listener) {
    const subscriber = new ResumableSubscriber(address, listener);
    await subscriber.come();
    return { pause() {}, resume() {}, close: () => subscriber.leave() };
  },
};

export default system;
