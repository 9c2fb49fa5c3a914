import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../..", import.meta.url));
const run = promisify(execFile);

// Inside the checkout, so that `import "spillway"` finds this package as an installed one would be found.
const scratch = mkdtempSync(join(root, "dist", "guides-"));
after(() => rmSync(scratch, { recursive: true }));

interface Program {
  readonly name: string;
  readonly code: string;
  /** What it says it prints: the `text` block right behind it. */
  readonly prints: string;
}

function programs(document: string): Program[] {
  const text = readFileSync(join(root, "docs", document), "utf8");
  return [...text.matchAll(/^```js\n(.*?)^```\n(?:\n```text\n(.*?)^```$)?/gms)].map(
    ([, code = "", prints = ""], index) => ({ name: `${document}, program ${index + 1}`, code, prints }),
  );
}

describe("the programs of the guides", () => {
  for (const document of ["guarantees.md", "observability.md", "slow-consumers.md", "operations.md"]) {
    it(`are all of the code in ${document}`, () => {
      const text = readFileSync(join(root, "docs", document), "utf8");
      const fences = [...text.matchAll(/^```(\w+)$/gm)].map(([, language]) => language);
      assert.deepEqual(
        fences.filter((language = "") => !["js", "text", "promql"].includes(language)),
        [],
      );
      assert.ok(programs(document).length > 0);
    });

    for (const { name, code, prints } of programs(document)) {
      it(`print what the guide says: ${name}`, async () => {
        const path = join(scratch, `${name.replaceAll(/\W+/g, "-")}.mjs`);
        writeFileSync(path, code);
        const { stdout } = await run(process.execPath, [path], { timeout: 60_000 });
        assert.equal(stdout, prints);
      });
    }
  }
});
