import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { OVERFLOW_POLICIES } from "../src/protocol/index.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const readme = readFileSync(join(root, "README.md"), "utf8");

describe("the documents", () => {
  it("have a row in the policy table for every overflow policy, and for no other", () => {
    const [, rest = ""] = readme.split(/^\| policy +\| kept +\|/m);
    const [table = ""] = rest.split("\n\n");
    const rows = [...table.matchAll(/^\| `([\w-]+)` +\|/gm)].map(([, name]) => name);
    assert.deepEqual(rows, [...OVERFLOW_POLICIES]);
  });

  it("link to files and headings that exist", () => {
    const broken: string[] = [];
    for (const document of documents()) {
      const text = readFileSync(join(root, document), "utf8");
      for (const [, target = ""] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^https?:/.test(target)) continue;
        const [path = "", heading] = target.split("#");
        const file = path === "" ? document : join(dirname(document), path);
        if (!exists(file) || (heading !== undefined && !headings(file).has(heading))) {
          broken.push(`${document}: ${target}`);
        }
      }
    }
    assert.deepEqual(broken, []);
  });
});

function documents(): string[] {
  const docs = readdirSync(join(root, "docs"), { recursive: true }).map((name) => join("docs", String(name)));
  return [
    "README.md",
    "CONTRIBUTING.md",
    join("bench", "README.md"),
    ...docs.filter((name) => name.endsWith(".md")),
  ];
}

function exists(path: string): boolean {
  try {
    // By listing its folder: a file system that ignores case would find what a web server does not.
    return readdirSync(join(root, dirname(path))).includes(basename(path));
  } catch {
    return false;
  }
}

/** The anchors of a document's headings, as forges make them. */
function headings(path: string): Set<string> {
  const text = readFileSync(join(root, path), "utf8").replace(/^```.*?^```$/gms, "");
  return new Set(
    [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
      title
        .toLowerCase()
        .replace(/[^\p{L}\p{N} -]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}
