/** Where a run took place. @module */
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { availableParallelism, cpus, release, totalmem, type } from "node:os";
import type { Environment } from "../results.ts";
import type { Pinning } from "./pinning.ts";

export function describeEnvironment(pinning: Pinning): Environment {
  const { version } = createRequire(import.meta.url)("@grpc/grpc-js/package.json") as { version: string };
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: Math.max(cpus().length, availableParallelism()),
    memoryBytes: totalmem(),
    kernel: `${type()} ${release()}`,
    node: process.version,
    grpcJs: version,
    commit: commit(),
    pinning: pinning.description,
  };
}

/** `unknown` outside of a checkout. */
function commit(): string {
  const head = git("rev-parse", "--short", "HEAD");
  if (head === undefined) return "unknown";
  return git("status", "--porcelain") === "" ? head : `${head}+`;
}

function git(...args: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync("git", args, { cwd: import.meta.dirname, encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}
