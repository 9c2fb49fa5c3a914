/**
 * A grpc-js server with the contract of the benchmark and nothing else, the same for all baselines. Its sockets come the
 * same way as those of a Spillway server, so the only thing that differs between them is how they fan out.
 *
 * Of a call that ends while a write waits, grpc-js says nothing: no callback, no drain. So whoever waits for one must be
 * told that the call is over, which is what `join` returns a function for. It is called once per call.
 *
 * @module
 */
import { Metadata, Server } from "@grpc/grpc-js";
import { listen } from "../../src/transport/grpc/listener.ts";
import { type PayloadCall, SUBSCRIBE } from "./grpc-contract.ts";

export interface CallServer {
  readonly address: string;
  /** Cuts what is open. */
  stop(): Promise<void>;
}

/** @param join - takes a subscriber in, and returns what to do when it is gone */
export async function serveCalls(join: (call: PayloadCall) => () => void): Promise<CallServer> {
  const server = new Server();
  server.addService(
    { Subscribe: SUBSCRIBE },
    {
      Subscribe(call: PayloadCall) {
        const leave = join(call);
        let joined = true;
        const onGone = () => {
          if (joined) leave();
          joined = false;
        };
        for (const event of ["cancelled", "close", "error"]) call.on(event, onGone);
        // Whoever has the headers knows that it is live.
        call.sendMetadata(new Metadata());
      },
    },
  );
  const listener = await listen(server, { host: "127.0.0.1", port: 0 });
  return {
    address: `127.0.0.1:${listener.address.port}`,
    async stop() {
      server.forceShutdown();
      listener.destroy();
      await listener.closed;
    },
  };
}
