/** Results from files: `.json`, or `.json.gz`. @module */
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import type { Results } from "../results.ts";

const unzip = promisify(gunzip);

/** @throws Error naming the file, when it cannot be read as results. Their schema is checked when a report is made. */
export async function loadResults(path: string): Promise<Results> {
  try {
    const bytes = await readFile(path);
    const text = path.endsWith(".gz") ? await unzip(bytes) : bytes;
    const parsed: unknown = JSON.parse(text.toString("utf8"));
    if (typeof parsed !== "object" || parsed === null || !("cells" in parsed)) {
      throw new TypeError("expected the results of a run, got other JSON");
    }
    return parsed as Results;
  } catch (error) {
    throw new Error(`${path}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
