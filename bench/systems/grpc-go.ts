/**
 * gRPC in Go, behind the same contract and for the same clients: `grpc-go/main.go`, which gets what is published on its
 * standard input. Built when it is asked for, into the folder for temporary files, from the packages that Debian keeps of
 * grpc-go; the build is found again as long as its source is the same.
 *
 * @module
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, lstatSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Availability, System } from "../system.ts";
import { grpcClients } from "./grpc-system.ts";
import { lengthHeader, PLAIN_HEADER_BYTES } from "./length-prefix.ts";
import { probeProgram, startProgram } from "./program.ts";
import { TurnBatch } from "./turn-batch.ts";

const run = promisify(execFile);
const BUILD_TIMEOUT_MS = 300_000;

/** The compiled benchmark lies elsewhere; the package says where everything begins. */
const root = dirname(fileURLToPath(import.meta.resolve("spillway/package.json")));
const source = join(root, "bench", "systems", "grpc-go", "main.go");

const system: System = {
  ...grpcClients,
  name: "grpc-go",
  kind: "peer",
  about: "grpc-go, a buffered channel per subscriber, drops when it is full",
  async probe() {
    const go = await probeProgram("go", ["version"], "apt-get install golang-go golang-google-grpc-dev");
    if ("unavailable" in go) return go;
    return built(go.version);
  },
  async start() {
    const program = await startProgram(await build(), [], /listening on ([\d.]+:\d+)/);
    const batch = new TurnBatch((bytes) => program.child.stdin?.write(bytes));
    return {
      address: program.ready[1]!,
      pids: [program.pid],
      publish: (payload) => batch.add(lengthHeader(PLAIN_HEADER_BYTES, payload.length), payload),
      stop: () => program.stop(),
    };
  },
};

export default system;

async function built(go: string): Promise<Availability> {
  try {
    const { stdout } = await run(await build(), ["--version"]);
    return { version: `grpc-go ${stdout.trim()}, ${go}` };
  } catch (error) {
    const reason = String((error as Error).message)
      .trim()
      .split("\n")
      .slice(0, 3)
      .join(" ");
    return { unavailable: `grpc-go cannot be built: apt-get install golang-google-grpc-dev (${reason})` };
  }
}

/** Whether asking for it would build nothing. */
export function isBuilt(): boolean {
  return exists(programPath());
}

function programPath(): string {
  const version = createHash("sha256").update(readFileSync(source)).digest("hex").slice(0, 12);
  return join(ownFolder(), `grpc-go-${version}`);
}

/** Returns the path of the program. */
async function build(): Promise<string> {
  const program = programPath();
  if (exists(program)) return program;
  // Renamed when it is whole: somebody else may build it at the same time.
  const unfinished = `${program}-${process.pid}`;
  const env = { ...process.env, GO111MODULE: "off", GOPATH: "/usr/share/gocode", GOFLAGS: "" };
  await run("go", ["build", "-o", unfinished, source], { env, timeout: BUILD_TIMEOUT_MS });
  renameSync(unfinished, program);
  return program;
}

/** A folder that nobody else can put a program into: what lies in it is run. */
function ownFolder(): string {
  const { uid } = userInfo();
  const folder = join(tmpdir(), `spillway-bench-${uid}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const found = lstatSync(folder);
  if (!found.isDirectory() || found.uid !== uid) throw new Error(`${folder} belongs to somebody else`);
  chmodSync(folder, 0o700);
  return folder;
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}
