import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { loadConfig } from "../../../src/config/index.ts";

const root = fileURLToPath(new URL("../../../..", import.meta.url));
const page = readFileSync(join(root, "docs", "tuning.md"), "utf8");
const FILES = ["examples/tuning/a.yaml", "examples/tuning/b.yaml"];

describe("the page about tuning", () => {
  it("shows the example files as they are, and they are right", async () => {
    const shown = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text]) => text);
    assert.deepEqual(
      shown,
      FILES.map((file) => readFileSync(join(root, file), "utf8")),
    );
    for (const file of FILES) await loadConfig({ file: join(root, file) });
  });

  it("has examples that differ by the one value that it is about", async () => {
    const [a, b] = await Promise.all(FILES.map((file) => loadConfig({ file: join(root, file) })));
    const { classes = {}, ...rest } = a!.config.hub!;
    const dashboards = { ...classes.dashboards, overflow: "conflate" };
    assert.deepEqual(b!.config.hub, { ...rest, classes: { dashboards } });
  });
});
