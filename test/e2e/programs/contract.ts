/**
 * `spillway.v1.Fanout` as anybody reads it who has the `.proto` file and nothing else of this project: what the
 * journals say is what was on the wire, whatever our own client would make of it.
 */
import { fileURLToPath } from "node:url";
import { Metadata, type MethodDefinition, type StatusObject } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { type EndEntry, type Entry, hashOf } from "../support/journal.ts";

export interface SubscribeRequest {
  readonly patterns: readonly string[];
  readonly overflow?: string;
  readonly queue?: { readonly messages: number; readonly bytes: number };
  readonly clientName?: string;
}

interface Response {
  readonly frame: string;
  readonly started: {
    position: { epoch: string; offset: string };
    overflow: string;
    queue: { messages: number; bytes: string };
  };
  readonly message: { topic: string; offset: string; key?: string; payload: Buffer };
  readonly gap: { topic?: string; from: string; to: string; count?: string; reason: string };
  readonly progress: { position: { offset: string }; conflated: string };
  readonly state: { state: string; overflow: string; rung: number };
}

const path = fileURLToPath(import.meta.resolve("spillway/proto/spillway/v1/fanout.proto"));
const loaded: Record<string, unknown> = loadSync(path, {
  longs: String,
  enums: String,
  defaults: true,
  oneofs: true,
});

export const SUBSCRIBE = (
  loaded["spillway.v1.Fanout"] as { Subscribe: MethodDefinition<SubscribeRequest, Response> }
).Subscribe;

export function toEntry(response: Response): Entry {
  const { started, message, gap, progress } = response;
  switch (response.frame) {
    case "started":
      return {
        kind: "started",
        overflow: started.overflow,
        queue: { messages: started.queue.messages, bytes: Number(started.queue.bytes) },
        offset: Number(started.position.offset),
        epoch: started.position.epoch,
      };
    case "message": {
      const { topic, key, payload } = message;
      return { kind: "message", topic, offset: Number(message.offset), key, hash: hashOf(payload) };
    }
    case "gap":
      return {
        kind: "gap",
        topic: gap.topic,
        from: Number(gap.from),
        to: Number(gap.to),
        count: gap.count === undefined ? undefined : Number(gap.count),
        reason: gap.reason,
      };
    case "progress":
      return {
        kind: "progress",
        offset: Number(progress.position.offset),
        conflated: Number(progress.conflated),
      };
    case "state":
      return { kind: "state", ...response.state };
    default:
      throw new Error(`a frame that the contract does not know: ${JSON.stringify(response)}`);
  }
}

export function toEnd({ code, details, metadata }: StatusObject): EndEntry {
  return { kind: "end", code, details, trailers: spillwayTrailers((metadata ?? new Metadata()).getMap()) };
}

export function spillwayTrailers(headers: Readonly<Record<string, unknown>>): Record<string, string> {
  const own = Object.entries(headers).filter(([name]) => name.startsWith("spillway-"));
  return Object.fromEntries(own.map(([name, value]) => [name.slice("spillway-".length), String(value)]));
}
