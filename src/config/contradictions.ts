/**
 * What is wrong although every value is right by itself: what the engine finds in its own options, put into the words
 * of the file, and what concerns several sections.
 *
 * @module
 */
import { SERVER_DEFAULTS } from "../defaults.ts";
import { hubConfigProblems } from "../fanout/index.ts";
import type { Fault } from "./faults.ts";
import { namedInFile } from "./file-names.ts";
import type { SpillwayConfig } from "./types.ts";
import { formatDuration } from "./units.ts";

/** @param config - whose types and ranges are right */
export function contradictions(config: SpillwayConfig): readonly Fault[] {
  return [...ofHub(config), ...ofAddresses(config)];
}

function ofHub({ hub = {} }: SpillwayConfig): readonly Fault[] {
  return hubConfigProblems(hub).map(({ path, message }) => ({
    path: namedInFile(["hub", ...path]).path,
    message: message.replace(
      /\b(\w+)Ms (\d+)\b/g,
      (_, name: string, ms) => `${name} ${formatDuration(Number(ms))}`,
    ),
  }));
}

function ofAddresses({ server, metrics }: SpillwayConfig): readonly Fault[] {
  const [one, other] = [server?.listen ?? SERVER_DEFAULTS.listen, metrics?.listen];
  if (other === undefined || !collide(one, other)) return [];
  return [
    {
      path: ["metrics", "listen"],
      message: `expected another port than server.listen, which is ${one}, got ${other}`,
    },
  ];
}

/** Whether one of two listeners would find its port taken. */
function collide(one: string, other: string): boolean {
  const [[host, port], [otherHost, otherPort]] = [split(one), split(other)];
  if (port !== otherPort || port === 0) return false;
  return host === otherHost || EVERYWHERE.includes(host) || EVERYWHERE.includes(otherHost);
}

const EVERYWHERE = ["0.0.0.0", "[::]"];

function split(address: string): readonly [host: string, port: number] {
  const colon = address.lastIndexOf(":");
  return [address.slice(0, colon), Number(address.slice(colon + 1))];
}
