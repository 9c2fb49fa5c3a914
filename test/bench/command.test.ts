import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { commandOf } from "../../bench/command.ts";

describe("the command that results tell", () => {
  it("has all that decides what was measured", () => {
    assert.equal(commandOf([]), "npm run bench");
    assert.equal(
      commandOf(["--level", "full", "--filter=tax", "--trials", "5"]),
      "npm run bench -- --level full --filter=tax --trials 5",
    );
  });

  it("does not say where the results went", () => {
    const args = ["--json", "/home/me/a.json", "--seed", "2", "--out=/home/me/out", "--json=b.json"];
    assert.equal(commandOf(args), "npm run bench -- --seed 2");
    assert.equal(commandOf(["--out", "/home/me"]), "npm run bench");
  });

  it("names a guest's module and a configuration's file, not their folders", () => {
    const args = ["--system", "/home/me/mine.js", "--system=../yours.js"];
    assert.equal(commandOf(args), "npm run bench -- --system mine.js --system yours.js");
    assert.equal(commandOf(["--config", "tuning/a.yaml"]), "npm run bench -- --config a.yaml");
  });
});
