/**
 * What all systems that speak gRPC from this process have in common: their clients, and where their version comes from.
 *
 * @module
 */
import type { System } from "../system.ts";
import { subscribe, subscribeShared, subscribeWithoutWindow } from "./grpc-client.ts";
import { GRPC_JS_VERSION } from "./grpc-contract.ts";
import { subscribeRaw } from "./grpc-raw-client.ts";

export const grpcClients = { subscribe, subscribeShared, subscribeWithoutWindow, subscribeRaw };

export function grpcSystem(own: Pick<System, "name" | "kind" | "about" | "start">): System {
  return { ...own, ...grpcClients, probe: async () => ({ version: GRPC_JS_VERSION }) };
}
