import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { unpinned } from "../../../bench/harness/pinning.ts";
import { type CellPlan, subscribers, usualWarmUp } from "../../../bench/harness/plan.ts";
import { type RunOptions, runCells, type TrialProgress } from "../../../bench/harness/run.ts";
import type { TrialSystem } from "../../../bench/harness/trial.ts";

const load = { healthy: 2, slow: 0, payloadBytes: 64, rate: 100, burst: 1, seconds: 0.1 };

function plan(system: string): CellPlan {
  return {
    id: system,
    scenario: "test",
    system,
    group: "test",
    load,
    trial: {
      settings: {},
      warmUps: usualWarmUp(load, { seconds: 0.05 }),
      healthy: subscribers("healthy", 2),
      companions: [],
    },
  };
}

const systems = new Map<string, TrialSystem | { readonly unavailable: string }>(
  ["honest", "deserting", "dying"].map((name) => [
    name,
    { kind: "ours", module: new URL(`./systems/${name}.js`, import.meta.url).href },
  ]),
);

function options(more: Partial<RunOptions> = {}): RunOptions {
  return { trials: 1, seed: 1, pinning: unpinned("a test"), systems, ...more };
}

describe("a run", () => {
  it("measures each cell as often as it is told to, in the order of the plans", async () => {
    const cells = await runCells([plan("honest")], options({ trials: 2 }));
    assert.deepEqual(
      cells.map(({ id, trials }) => [id, trials.map(({ block, problems }) => [block, problems.length])]),
      [
        [
          "honest",
          [
            [0, 0],
            [1, 0],
          ],
        ],
      ],
    );
  });

  it("repeats a trial once that the machine has spoilt, and keeps what was wrong with the first", async () => {
    const [cell] = await runCells([plan("deserting")], options());
    assert.equal(cell?.trials.length, 1);
    const [trial] = cell!.trials;
    const problem = "the client 1 process ended with exit code 3";
    assert.deepEqual(trial!.firstAttempt, [problem]);
    assert.deepEqual(trial!.problems, [problem]);
  });

  it("does not repeat what the system has spoilt, and goes on with the next", async () => {
    const progress: TrialProgress[] = [];
    const cells = await runCells(
      [plan("dying"), plan("honest")],
      options({ onTrial: (one) => progress.push(one) }),
    );
    const [dying, honest] = cells;
    assert.deepEqual(dying?.trials[0]?.problems, [
      "the server process ended with exit code 7: the last words of the server",
    ]);
    assert.equal(dying?.trials[0]?.firstAttempt, undefined);
    assert.deepEqual(honest?.trials[0]?.problems, []);
    assert.deepEqual(
      progress.map(({ done, of, trial }) => [done, of, trial !== undefined]),
      [
        [0, 2, false],
        [1, 2, true],
        [1, 2, false],
        [2, 2, true],
      ],
    );
  });

  it("says of what it cannot measure why, and that is no problem of a trial", async () => {
    const unavailable = new Map([...systems, ["absent", { unavailable: "it is not installed" }] as const]);
    const slow = { name: "slow", subscribers: subscribers("window-0", 1) };
    const without = plan("honest");
    const cells = await runCells(
      [plan("absent"), plan("unknown"), { ...without, trial: { ...without.trial, companions: [slow] } }],
      options({ trials: 2, systems: unavailable }),
    );
    assert.deepEqual(
      cells.map((cell) => [cell.unavailable, cell.trials.length]),
      [
        ["it is not installed", 0],
        ["there is no system called unknown", 0],
        ["slow: honest has no subscriber without a flow-control window", 0],
      ],
    );
  });

  it("keeps what it has when it is interrupted", async () => {
    const aborting = new AbortController();
    const onTrial = ({ done, trial }: TrialProgress) => {
      if (done === 1 && trial === undefined) aborting.abort(new Error("interrupted"));
    };
    const cells = await runCells([plan("honest")], options({ trials: 3, signal: aborting.signal, onTrial }));
    assert.equal(cells[0]?.trials.length, 1);
  });
});
