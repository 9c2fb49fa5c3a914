import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { fanoutMethod, Hub, serve } from "spillway";

const proto = loadSync(fileURLToPath(new URL("prices.proto", import.meta.url)));
const definition = grpc.loadPackageDefinition(proto).shop.v1.Prices.service;

const hub = new Hub();
const watch = fanoutMethod(definition.Watch, {
  hub,
  topic: (request) => `prices.${request.symbol}`,
  message: ({ key, payload }) => ({ symbol: key, value: Number(Buffer.from(payload).toString()) }),
  control: (frame) => (frame.kind === "gap" ? { missed: frame.count } : undefined),
});
const server = await serve(hub, {
  listen: "127.0.0.1:7070",
  services: (grpcServer) =>
    grpcServer.addService({ ...definition, Watch: watch.definition }, { Watch: watch.handler }),
});
console.log(`listening on ${server.address}`);

setInterval(() => hub.publish("prices.EURUSD", "1.0842", { key: "EURUSD" }), 100);
