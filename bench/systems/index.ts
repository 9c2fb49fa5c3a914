/**
 * The systems of this house, in the order in which reports show them.
 *
 * @module
 */
const NAMES = [
  "spillway",
  "sequential-await",
  "fire-and-forget",
  "drain-all",
  "unbounded",
  "bounded",
  "event-emitter",
  "http2",
  "net",
  "ws",
  "nats",
  "redis",
  "grpc-go",
] as const;

/** The modules of the systems, as URLs that any process can load. */
export const SYSTEM_MODULES: readonly string[] = NAMES.map(
  (name) => new URL(`./${name}.js`, import.meta.url).href,
);

export { loadSystem, moduleUrl } from "./load.ts";
