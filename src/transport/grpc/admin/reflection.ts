/**
 * gRPC reflection: tools such as grpcurl learn the contracts from the server itself. It shows what is in the `.proto`
 * files of this package, and nothing of any subscriber.
 *
 * @module
 */
import type { Server } from "@grpc/grpc-js";
import { loadSync, type PackageDefinition } from "@grpc/proto-loader";
import { protoPath as healthFile } from "grpc-health-check";
import { importOptional } from "../../../optional-package.ts";
import { protoFolder } from "../contracts.ts";
import { fileDescriptors } from "./descriptors.ts";

/** What each service is written in. */
const FILES: Readonly<Record<string, string>> = {
  "protos.Longlived": "longlived.proto",
  "spillway.v1.Fanout": "spillway/v1/fanout.proto",
  "spillway.v1.Admin": "spillway/v1/admin.proto",
  "grpc.health.v1.Health": healthFile,
};

/**
 * Adds both versions of the reflection service.
 *
 * @param services - full names of those to tell of
 * @throws SpillwayError `PACKAGE_MISSING`
 */
export async function addReflection(server: Server, services: readonly string[]): Promise<void> {
  const { ReflectionService } = await importOptional(
    "@grpc/reflection",
    "reflection",
    () => import("@grpc/reflection"),
  );
  const definitions = loadSync(
    services.map((name) => FILES[name]).filter((file) => file !== undefined),
    {
      // The names of fields as they are in the files.
      keepCase: true,
      includeDirs: [protoFolder()],
    },
  );
  // It looks for nothing else in a package definition.
  const described = { described: { fileDescriptorProtos: fileDescriptors(definitions) } };
  new ReflectionService(described as unknown as PackageDefinition, {
    services: [...services],
  }).addToServer(server);
}
