/**
 * How a system comes into a process: by the address of its module, which is all that is handed from one to the other.
 *
 * @module
 */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { System } from "../system.ts";

const METHODS = ["probe", "start", "subscribe"] as const;
const KINDS: readonly unknown[] = ["ours", "baseline", "peer"];

/**
 * @param module - a `file:` URL, or a path from the working directory
 * @throws TypeError saying what the module lacks
 */
export async function loadSystem(module: string): Promise<System> {
  const { default: system } = (await import(moduleUrl(module))) as { default?: Partial<System> };
  if (typeof system !== "object" || system === null) {
    throw new TypeError(`${module} must have a system as its default export, got ${String(system)}`);
  }
  const { name, kind } = system;
  if (typeof name !== "string" || name === "") {
    throw new TypeError(`the system of ${module} must have a name, got ${String(name)}`);
  }
  if (!KINDS.includes(kind)) {
    throw new TypeError(`the kind of system ${name} must be ours, baseline or peer, got ${String(kind)}`);
  }
  for (const method of METHODS) {
    if (typeof system[method] !== "function") throw new TypeError(`system ${name} has no function ${method}`);
  }
  return system as System;
}

/** What another process can load, whatever its working directory is. */
export function moduleUrl(module: string): string {
  return module.startsWith("file:") ? module : pathToFileURL(resolve(module)).href;
}
