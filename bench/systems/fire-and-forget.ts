/**
 * Writes to everybody and does not look at what `write()` returns. Nobody waits for anybody; what a slow subscriber does not
 * take stays in the memory of its call, without a bound.
 *
 * @module
 */
import { serveCalls } from "./grpc-call-server.ts";
import type { PayloadCall } from "./grpc-contract.ts";
import { grpcSystem } from "./grpc-system.ts";

export default grpcSystem({
  name: "fire-and-forget",
  kind: "baseline",
  about: "writes to all and ignores what write() returns",
  async start() {
    const calls = new Set<PayloadCall>();
    const { address, stop } = await serveCalls((call) => {
      calls.add(call);
      return () => calls.delete(call);
    });
    return {
      address,
      publish(payload) {
        for (const call of calls) call.write(payload);
      },
      stop,
    };
  },
});
