/**
 * Where the time of a CPU profile went, by whose code it was:
 *
 *     node dist/bench/micro/profile-shares.js FILE.cpuprofile
 *
 * Self time, without what was idle. "Native" is what no JavaScript frame stands for ("(program)") and the functions of
 * Node that are not JavaScript: nghttp2, the sockets, the kernel on their behalf.
 *
 * @module
 */
import { readFile } from "node:fs/promises";

interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
  }[];
  readonly samples: readonly number[];
  /** Microseconds. */
  readonly timeDeltas: readonly number[];
}

type Frame = Profile["nodes"][number]["callFrame"];

/** In this order: the first that fits counts. */
const OWNERS: readonly (readonly [owner: string, fits: (frame: Frame) => boolean])[] = [
  ["idle", ({ functionName }) => functionName === "(idle)"],
  ["garbage collection", ({ functionName }) => functionName === "(garbage collector)"],
  ["Spillway, engine", ({ url }) => /\/src\/(fanout|queue|protocol)\/|\/src\/[^/]+\.js$/.test(url)],
  ["Spillway, transport", ({ url }) => /\/src\/transport\//.test(url)],
  ["the benchmark itself", ({ url }) => /\/bench\//.test(url)],
  ["grpc-js", ({ url }) => /\/node_modules\/@grpc\//.test(url)],
  ["Node, JavaScript", ({ url }) => url.startsWith("node:")],
  ["other packages", ({ url }) => /\/node_modules\//.test(url)],
  ["native", () => true],
];

const [path] = process.argv.slice(2);
if (path === undefined) {
  console.error("expected the path of a .cpuprofile, as node --cpu-prof writes it");
  process.exit(2);
}
const { nodes, samples, timeDeltas } = JSON.parse(await readFile(path, "utf8")) as Profile;
const ownerOf = new Map(nodes.map(({ id, callFrame }) => [id, OWNERS.find(([, fits]) => fits(callFrame))![0]]));
const micros = new Map<string, number>();
for (const [index, node] of samples.entries()) {
  const owner = ownerOf.get(node)!;
  micros.set(owner, (micros.get(owner) ?? 0) + timeDeltas[index]!);
}
micros.delete("idle");
const busy = [...micros.values()].reduce((sum, each) => sum + each, 0);
console.table(
  Object.fromEntries(
    [...micros]
      .sort(([, a], [, b]) => b - a)
      .map(([owner, each]) => [owner, { "share %": Number(((100 * each) / busy).toPrecision(3)) }]),
  ),
);
