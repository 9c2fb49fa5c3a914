/**
 * A client of the blog post's contract as a stranger writes it: the `.proto` file and grpc-js, nothing else. Stands
 * for clients in other languages.
 */
import { fileURLToPath } from "node:url";
import {
  type ClientReadableStream,
  credentials,
  type GrpcObject,
  loadPackageDefinition,
  type ServiceClientConstructor,
  type ServiceError,
  type StatusObject,
} from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { spillwayTrailers } from "./contract.ts";
import { onOrder, record, spec } from "./report.ts";

const { address, id } = spec<{ readonly address: string; readonly id: number }>();

const path = fileURLToPath(import.meta.resolve("spillway/proto/longlived.proto"));
const { protos } = loadPackageDefinition(loadSync(path));
const Longlived = (protos as GrpcObject).Longlived as ServiceClientConstructor;
const client = new Longlived(address, credentials.createInsecure());

const stream = client.Subscribe?.({ id }) as ClientReadableStream<{ data: string }>;
stream.on("metadata", () => record({ kind: "live" }));
stream.on("data", ({ data }) => record({ kind: "text", text: data }));
stream.on("error", () => {});
stream.on("status", ({ code, details, metadata }: StatusObject) =>
  record({ kind: "end", code, details, trailers: spillwayTrailers(metadata.getMap()) }),
);

onOrder<{ unsubscribe: number }>((order) => {
  client.Unsubscribe?.({ id: order.unsubscribe }, (error: ServiceError | null) =>
    record({ kind: "answer", code: error?.code ?? 0 }),
  );
});
