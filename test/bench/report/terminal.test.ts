import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { headlineTable } from "../../../bench/report/index.ts";
import { renderTerminal } from "../../../bench/report/terminal.ts";
import { fullResults, results } from "./synthetic.ts";

const plain = { colours: false };

describe("tables in a terminal", () => {
  it("stay within the width they are given", () => {
    for (const width of [100, 200]) {
      for (const line of headlineTable(fullResults(), { width, colours: false }).split("\n")) {
        assert.ok(line.length <= width, `${line.length} > ${width}: ${line}`);
      }
    }
  });

  it("name the columns that they had no room for, and have them when there is room", () => {
    const narrow = headlineTable(fullResults(), { width: 100, colours: false });
    assert.match(narrow, /No room here, in the report: .*p99\.9 ms/);
    const [wide = ""] = headlineTable(fullResults(), { width: 250, colours: false }).split("\n\n\n");
    assert.doesNotMatch(wide.split("Server CPU")[0]!, /No room here/);
  });

  it("have a row per system and number of slow clients", () => {
    const [table = ""] = headlineTable(fullResults(), plain).split("\nServer CPU");
    for (const row of [
      /^spillway +drop-oldest +50 SIGSTOP +100 /m,
      /^sequential-await +· +1 SIGSTOP +3\.0 /m,
    ]) {
      assert.match(table, row);
    }
    assert.match(table, /^spillway +drop-oldest +10 paused .*\n {2}└ 1 of 5 trials do not count/m);
  });

  it("align numbers to the right under their titles", () => {
    const table = {
      title: "t",
      notes: [],
      columns: [
        { title: "who", align: "left" as const },
        { title: "p99 ms", align: "right" as const },
      ],
      rows: [{ cells: ["a", "1.00"] }, { cells: ["bcde", "12,345"] }],
    };
    assert.equal(
      renderTerminal(table, plain),
      ["t", "", "         p99", "who       ms", "────  ──────", "a       1.00", "bcde  12,345", ""].join(
        "\n",
      ),
    );
  });

  it("have colours only where they are asked for", () => {
    const colour = String.fromCharCode(27);
    assert.ok(!headlineTable(fullResults(), plain).includes(colour));
    assert.ok(headlineTable(fullResults(), { colours: true }).includes(colour));
  });

  it("say so when nothing was measured", () => {
    assert.match(headlineTable(results(), plain), /Nothing was measured/);
  });
});
