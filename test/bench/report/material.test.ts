import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { contentsOf } from "../../../bench/report/contents.ts";
import { renderMarkdown } from "../../../bench/report/markdown.ts";
import { gather } from "../../../bench/report/material.ts";
import type { Results } from "../../../bench/results.ts";
import { cell, results, SYSTEMS, trial } from "./synthetic.ts";

const first = results({ cells: [cell("tax/a", { trials: [trial()] })] });
const second = results({ cells: [cell("cpu/a", { scenario: "cpu", trials: [trial()] })] });

function withCommit(given: Results, commit: string): Results {
  return { ...given, environment: { ...given.environment, commit } };
}

describe("the material of a report", () => {
  it("puts runs of the same code on the same machine together", () => {
    const material = gather([first, second]);
    assert.deepEqual(
      material.cells.map(({ id }) => id),
      ["tax/a", "cpu/a"],
    );
    assert.deepEqual(
      material.runs.map(({ scenarios }) => scenarios),
      [["tax"], ["cpu"]],
    );
    assert.deepEqual(material.differences, []);
  });

  it("refuses runs of different commits or machines, and says in what they differ", () => {
    assert.throws(() => gather([first, withCommit(second, "fedcba9")]), /commit is 0123abc and fedcba9/);
    const elsewhere = { ...second, environment: { ...second.environment, cpu: "Other 1", cores: 64 } };
    assert.throws(() => gather([first, elsewhere]), /cpu is Synthetic 3000 and Other 1; cores is 2 and 64/);
  });

  it("puts them together when asked to, and the report says so before anything else", () => {
    const mixed = gather([first, withCommit(second, "fedcba9")], { mixed: true });
    const text = renderMarkdown(contentsOf(mixed, []), (name) => name);
    const [before] = text.split("## Goals");
    assert.match(before!, /do not belong together: commit is 0123abc and fedcba9/);
  });

  it("refuses systems of different versions", () => {
    const [ours, ...others] = SYSTEMS;
    const newer = { ...second, systems: [{ ...ours!, version: "0.2.0" }, ...others] };
    assert.throws(() => gather([first, newer]), /spillway is 0\.1\.0 and 0\.2\.0/);
  });

  it("takes a system for available when one of the runs had it", () => {
    const nats = { name: "nats", kind: "peer", about: "A native broker" } as const;
    const had = { ...second, systems: [{ ...nats, version: "2.10" }] };
    assert.equal(gather([first, had]).systems.find(({ name }) => name === "nats")?.version, "2.10");
    assert.equal(gather([had, first]).systems.find(({ name }) => name === "nats")?.version, "2.10");
  });

  it("refuses a cell that is there twice, another schema, and nothing", () => {
    assert.throws(() => gather([first, first]), /cell tax\/a is there twice/);
    assert.throws(() => gather([{ ...first, schema: 99 as never }]), /schema 1, got 99/);
    assert.throws(() => gather([]), /at least one run/);
  });

  it("says that a control is missing rather than that there is no tax", () => {
    const alone = cell("tax/b", { control: "tax/gone", trials: [trial()] });
    const material = gather([results({ cells: [alone] })]);
    assert.match(material.comparisonOf(alone)?.why ?? "", /tax\/gone is not in the results/);
  });
});
