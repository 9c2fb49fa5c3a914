import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { contentsOf } from "../../../bench/report/contents.ts";
import { loadResults } from "../../../bench/report/load.ts";
import { renderMarkdown } from "../../../bench/report/markdown.ts";
import { gather } from "../../../bench/report/material.ts";
import { draw } from "../../../bench/report/plots/index.ts";
import { linksFrom } from "../../../bench/report/write.ts";

const root = findRoot(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, "bench", "results");
const files = existsSync(folder) ? readdirSync(folder).filter((name) => /\.json(\.gz)?$/.test(name)) : [];
const nothing = files.length === 0 ? "there are no committed results in bench/results yet" : false;

describe("BENCHMARKS.md", () => {
  it("is what the committed results say", { skip: nothing }, async () => {
    // In the order of names, as a shell hands them over.
    const all = await Promise.all(files.toSorted().map((name) => loadResults(join(folder, name))));
    const material = gather(all);
    const links = linksFrom(join(root, "BENCHMARKS.md"), folder);
    const made = renderMarkdown(contentsOf(material, draw(material)), links);
    assert.equal(
      readFileSync(join(root, "BENCHMARKS.md"), "utf8"),
      made,
      "npm run bench:report makes it again",
    );
  });

  it("links to plots that are there", { skip: nothing }, () => {
    const text = readFileSync(join(root, "BENCHMARKS.md"), "utf8");
    const missing = [...text.matchAll(/!\[[^\]]*\]\(([^)]+)\)/g)]
      .map(([, path]) => path!)
      .filter((path) => !existsSync(join(root, path)));
    assert.deepEqual(missing, []);
  });
});

function findRoot(from: string): string {
  let folder = from;
  while (!existsSync(join(folder, "package.json"))) folder = dirname(folder);
  return folder;
}
