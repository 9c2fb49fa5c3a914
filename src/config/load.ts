/**
 * Reads, checks and merges the sources of a configuration: code before environment before file. All that is wrong with
 * any of them is told at once, also where a source above says it right.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { contradictions } from "./contradictions.ts";
import { type OriginAt, readDocument } from "./document.ts";
import { type Environment, readEnvironment } from "./environment.ts";
import { type Fault, faultsOf, strangers } from "./faults.ts";
import { kindOf } from "./kinds.ts";
import { merge } from "./merge.ts";
import { ConfigError, type Finding, toProblem } from "./problems.ts";
import {
  exactly,
  nearestTo,
  type Origin,
  type Path,
  plain,
  type ReadSource,
  type Said,
  saidAt,
  saidMap,
} from "./said.ts";
import { configSchema } from "./schema/index.ts";
import type { SpillwayConfig } from "./types.ts";

export interface ConfigSources {
  /** Path of a YAML or JSON file. */
  readonly file?: string | undefined;
  /** Usually `process.env`: what begins with `SPILLWAY_` counts. */
  readonly environment?: Environment | undefined;
  /** Counts before everything else: the flags of a command. */
  readonly code?: SpillwayConfig | undefined;
}

/** Where every said value was said. */
export interface Origins {
  /** By the path in the file: `["hub", "topics", "prices.>", "queue", "bytes"]`. `undefined`: it was not said. */
  of(path: Path): Origin | undefined;
}

export interface LoadedConfig {
  /** What was said, without defaults. */
  readonly config: SpillwayConfig;
  readonly origins: Origins;
  /** As it was given. */
  readonly file: string | undefined;
  /** What the file said. */
  readonly text: string | undefined;
}

/**
 * Reads, checks and merges.
 *
 * @throws ConfigError with everything that is wrong
 */
export async function loadConfig({
  file,
  environment = {},
  code = {},
}: ConfigSources): Promise<LoadedConfig> {
  const ofFile = file === undefined ? undefined : await readConfigFile(file);
  const sources = [...(ofFile ? [ofFile] : []), readEnvironment(environment), readCode(code)];
  const findings = sources.flatMap((source) => source.findings);
  let said: Said | undefined;
  for (const source of sources) {
    if (source.said === undefined) continue;
    said = said === undefined ? source.said : merge(said, source.said, configSchema);
    // After each of them: what is wrong in one is told even if the next says it right.
    findings.push(...wrongIn(said));
  }
  const nothing = saidMap({ source: "code", text: file ?? "code" }, []);
  const config = readable(said ?? nothing);
  findings.push(...contradictionsIn(config, said ?? nothing));
  if (findings.length > 0) throw new ConfigError(inOrder(findings).map(toProblem));
  return { config, origins: { of: (path) => said && exactly(said, path)?.origin }, file, text: ofFile?.text };
}

async function readConfigFile(file: string): Promise<ReadSource & { readonly text: string | undefined }> {
  const originAt: OriginAt = (line, column) => ({
    source: "file",
    text: `${file}:${line}:${column}`,
    line,
    column,
  });
  try {
    const text = await readFile(file, "utf8");
    // A byte order mark is no part of what is said.
    return { ...readDocument(text.replace(/^\uFEFF/, ""), originAt), text };
  } catch (error) {
    const origin: Origin = { source: "file", text: file };
    return {
      said: undefined,
      findings: [{ path: [], message: whyUnreadable(error), origin }],
      text: undefined,
    };
  }
}

function whyUnreadable(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ENOENT") return "there is no such file";
  if (code === "EACCES") return "the file may not be read";
  return code === "EISDIR" ? "expected a file, got a folder" : `the file cannot be read: ${message}`;
}

/** Code has names and units of its own; here it is said as a file would say it. */
function readCode(code: SpillwayConfig): ReadSource {
  const origin: Origin = { source: "code", text: "code" };
  const found = (faults: readonly Fault[]) => faults.map((fault) => ({ ...fault, origin }));
  const unknown = found(strangers(configSchema, code));
  const encoded = z.safeEncode(configSchema, code);
  if (encoded.success) return { said: saidAt(origin, encoded.data), findings: unknown };
  return {
    said: undefined,
    findings: [...unknown, ...found(faultsOf(configSchema, code, encoded.error.issues))],
  };
}

function wrongIn(said: Said): readonly Finding[] {
  const given = plain(said);
  const decoded = z.safeDecode(configSchema, given as SpillwayConfig);
  if (decoded.success) return [];
  return faultsOf(configSchema, given, decoded.error.issues).map((fault) => ({
    ...fault,
    origin: nearestTo(said, fault.path).origin,
  }));
}

/** The sections that are right by themselves. */
function readable(said: Said): SpillwayConfig {
  const kind = kindOf(configSchema);
  if (said.is !== "map" || kind.is !== "section") return {};
  const sections = [...said.entries].flatMap(([name, section]) => {
    const schema = name === "$schema" ? undefined : kind.shape[name];
    const decoded = schema && z.safeDecode(schema, plain(section));
    return decoded?.success ? [[name, decoded.data]] : [];
  });
  return Object.fromEntries(sections) as SpillwayConfig;
}

function contradictionsIn(config: SpillwayConfig, said: Said): readonly Finding[] {
  return contradictions(config).map((fault) => ({ ...fault, origin: nearestTo(said, fault.path).origin }));
}

/** Each once: the file from its top to its bottom, then variable by variable, then code. */
function inOrder(findings: readonly Finding[]): readonly Finding[] {
  const once = new Map(findings.map((finding) => [JSON.stringify(finding), finding]));
  return [...once.values()].sort(({ origin: a }, { origin: b }) => {
    const sources = SOURCES.indexOf(a.source) - SOURCES.indexOf(b.source);
    const lines = (a.line ?? 0) - (b.line ?? 0);
    const columns = (a.column ?? 0) - (b.column ?? 0);
    return sources || lines || columns || (a.source === "environment" ? compare(a.text, b.text) : 0);
  });
}

const SOURCES: readonly Origin["source"][] = ["file", "environment", "code"];

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
