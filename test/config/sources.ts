import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError, type ConfigSources, type LoadedConfig, loadConfig } from "../../src/config/index.ts";

/** The name that a file has in what is told of it. */
export const FILE = "spillway.yaml";

/** Loads the text as a file, beside other sources. */
export async function load(text: string, others: Omit<ConfigSources, "file"> = {}): Promise<LoadedConfig> {
  const folder = mkdtempSync(join(tmpdir(), "spillway-config-"));
  const before = process.cwd();
  try {
    writeFileSync(join(folder, FILE), text);
    // So that a test can expect a short path.
    process.chdir(folder);
    return await loadConfig({ ...others, file: FILE });
  } finally {
    process.chdir(before);
    rmSync(folder, { recursive: true });
  }
}

/** What is wrong with it, a line for each. */
export async function wrong(
  text: string,
  others: Omit<ConfigSources, "file"> = {},
): Promise<readonly string[]> {
  return linesOf(load(text, others));
}

/** What is wrong without a file. */
export async function wrongWithoutFile(sources: ConfigSources): Promise<readonly string[]> {
  return linesOf(loadConfig(sources));
}

async function linesOf(loading: Promise<LoadedConfig>): Promise<readonly string[]> {
  try {
    await loading;
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    assert.equal(error.code, "CONFIG_INVALID");
    assert.equal(error.problems.length, error.message.split("\n").length);
    return error.message.split("\n");
  }
  return [];
}
