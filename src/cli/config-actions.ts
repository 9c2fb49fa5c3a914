/** What `spillway config` does. @module */
import {
  ConfigError,
  defaultsFile,
  explainConfig,
  jsonSchema,
  type LoadedConfig,
  loadConfig,
  toldApart,
  worstCaseMemory,
} from "../config/index.ts";
import type { ExplainFlags } from "./config.ts";
import { explanationLines, memoryLines, policyLines } from "./config-report.ts";
import { EXIT_FAILED, oneLine, problemLines, UsageError } from "./errors.ts";
import { Output } from "./output.ts";

export async function check(file: string, json: boolean): Promise<void> {
  try {
    const loaded = await load(file);
    const policies = toldApart(loaded.config).map((whom) => explainConfig(loaded, whom));
    const memory = worstCaseMemory(loaded.config);
    if (json) await print(JSON.stringify({ file, valid: true, policies, memory }, null, 2));
    else
      await print(
        `${file} is right.`,
        "",
        ...policyLines(policies),
        "",
        ...memoryLines(memory, loaded.config),
      );
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    // As compilers do it, so that editors find the place.
    for (const line of problemLines(error)) process.stderr.write(`${oneLine(line)}\n`);
    if (json) await print(JSON.stringify({ file, valid: false, problems: error.problems }, null, 2));
    process.exitCode = EXIT_FAILED;
  }
}

export async function explain(file: string, { topic, class: className, json }: ExplainFlags): Promise<void> {
  const loaded = await load(file);
  const explanation = explain();
  if (json === true) await print(JSON.stringify(explanation, null, 2));
  else await print(...explanationLines(explanation));

  function explain() {
    try {
      return explainConfig(loaded, { patterns: [topic], className });
    } catch (error) {
      if (error instanceof RangeError) throw new UsageError(`--class: ${error.message}`);
      throw error;
    }
  }
}

export function printDefaults(): Promise<void> {
  return print(defaultsFile().trimEnd());
}

export function printSchema(): Promise<void> {
  return print(JSON.stringify(jsonSchema(), null, 2));
}

function load(file: string): Promise<LoadedConfig> {
  return loadConfig({ file, environment: process.env });
}

/** No faster than it is read; whoever reads no more misses the rest. */
async function print(...lines: readonly string[]): Promise<void> {
  const output = new Output(() => {});
  for (const line of lines) await output.line(line);
  await output.flush();
}
