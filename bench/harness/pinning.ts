/**
 * Which process may use which core: the server has one for itself, everything else shares the others. Without that, the
 * clients' work would count as latency of the server.
 *
 * @module
 */
import { spawnSync } from "node:child_process";

export interface Pinning {
  /** For the report. */
  readonly description: string;
  readonly server?: string;
  readonly others?: string;
  /** How many client processes can run at a time. */
  readonly clientCores: number;
}

/** Binds this process too: it belongs to the others. */
export function pinProcesses(): Pinning {
  const cores = allowedCores();
  if (cores === undefined) return unpinned("taskset is not there");
  const [server, ...others] = cores;
  if (others.length === 0) return unpinned("there is one core only");
  const list = others.join(",");
  if (spawnSync("taskset", ["-cp", list, String(process.pid)]).status !== 0) {
    return unpinned("taskset was refused");
  }
  return {
    description: `server on core ${server}, everything else on ${list}`,
    server: String(server),
    others: list,
    clientCores: others.length,
  };
}

export function unpinned(why: string): Pinning {
  return { description: `none: ${why}`, clientCores: 1 };
}

/** `undefined` where nobody can tell. */
function allowedCores(): readonly number[] | undefined {
  const { status, stdout } = spawnSync("taskset", ["-cp", String(process.pid)], { encoding: "utf8" });
  const list = status === 0 ? stdout.split(": ").at(-1) : undefined;
  return list === undefined ? undefined : parseCoreList(list);
}

/** `0-3,8` */
export function parseCoreList(list: string): readonly number[] {
  return list
    .trim()
    .split(",")
    .flatMap((range) => {
      const [from, to = from] = range.split("-").map(Number);
      return Array.from({ length: to! - from! + 1 }, (_, index) => from! + index);
    });
}
