import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { estimateSeconds, usualWarmUp } from "../../../bench/harness/plan.ts";
import { orderOfTrials } from "../../../bench/harness/run.ts";
import { Schedule } from "../../../bench/harness/schedule.ts";
import { SMALLEST_PAYLOAD } from "../../../bench/harness/stamp.ts";
import { choosePlans } from "../../../bench/plans.ts";
import { LEVELS } from "../../../bench/scenarios/index.ts";
import { loadSystem, SYSTEM_MODULES } from "../../../bench/systems/index.ts";

const guests = ["someone-elses"];
const requests = LEVELS.map((level) => ({ level, guests, soakMinutes: 30 }));

for (const request of requests) {
  const plans = choosePlans(request);
  const byId = new Map(plans.map((plan) => [plan.id, plan]));

  describe(`the plans of the level ${request.level}`, () => {
    it("have ids of their own, which begin with the name of their scenario", () => {
      assert.equal(byId.size, plans.length);
      for (const { id, scenario } of plans) assert.ok(id.startsWith(`${scenario}/`), id);
    });

    it("compare with cells of the same group and system", () => {
      for (const { id, control, group, system, variant } of plans) {
        if (control === undefined) continue;
        const other = byId.get(control);
        assert.ok(other !== undefined && control !== id, `${id}: ${control}`);
        assert.deepEqual([other.group, other.system, other.variant], [group, system, variant], id);
      }
    });

    it("can be carried out: something is due, stamps fit, companions have names of their own", () => {
      for (const { id, load, trial } of plans) {
        assert.ok(new Schedule(trial.phases ?? [load]).messages > 0, id);
        for (const { phases, payloadBytes } of trial.warmUps) {
          assert.ok(new Schedule(phases).messages > 0, id);
          assert.ok(payloadBytes >= SMALLEST_PAYLOAD, id);
        }
        assert.ok(load.payloadBytes >= SMALLEST_PAYLOAD, id);
        assert.equal(trial.healthy.count, load.healthy, id);
        const names = trial.companions.map(({ name }) => name);
        assert.equal(new Set(names).size, names.length, id);
        for (const { companion } of trial.events ?? []) assert.ok(names.includes(companion), id);
      }
    });

    it("are of systems that there are", async () => {
      const systems = await Promise.all(SYSTEM_MODULES.map(loadSystem));
      const known = new Set([...systems.map(({ name }) => name), ...guests]);
      for (const { id, system } of plans) assert.ok(known.has(system), id);
    });
  });
}

describe("choosing plans", () => {
  const request = requests[1]!;

  it("takes what has the text in its id, and what that is compared with", () => {
    const ids = choosePlans(request, "drop-oldest/10 reconnecting").map(({ id }) => id);
    assert.deepEqual(ids, [
      "tax/spillway drop-oldest/0 slow",
      "tax/spillway drop-oldest/10 reconnecting",
      "tax/spillway drop-oldest/10 draining-reconnecting",
    ]);
    assert.deepEqual(choosePlans(request, "no such thing"), []);
  });

  it("measures a guest beside the systems of the house", () => {
    const ids = choosePlans(request, guests[0]).map(({ scenario }) => scenario);
    assert.deepEqual([...new Set(ids)], ["tax", "cpu", "healthy"]);
  });

  it("has the headline take less than three minutes, and the full run less than an hour", () => {
    const seconds = (level: 0 | 1, trials: number) =>
      trials *
      choosePlans({ ...requests[level]!, guests: [] }).reduce((sum, plan) => sum + estimateSeconds(plan), 0);
    assert.ok(seconds(0, 3) < 155, `${seconds(0, 3)} s, and the micro-benchmarks take 25`);
    assert.ok(seconds(1, 5) < 3_600, `${seconds(1, 5)} s`);
  });
});

describe("a warm-up", () => {
  const load = { healthy: 1, slow: 1, payloadBytes: 1_024, rate: 100, burst: 1, seconds: 1 };

  it("floods with as many bytes as it is told to, in no longer a time, whatever the size of a message", () => {
    const sizes = [undefined, 1_024, 100, 16 * 1_024];
    const floods = sizes.map((bytes) => {
      const size = bytes === undefined ? {} : { floodPayloadBytes: bytes };
      const [flood] = usualWarmUp(load, { floodBytes: 256 * 1_024, ...size });
      return { bytes: flood!.payloadBytes, schedule: new Schedule(flood!.phases) };
    });
    assert.deepEqual(
      floods.map(({ bytes, schedule }) => [bytes, schedule.messages]),
      [
        [8 * 1_024, 32],
        [1_024, 256],
        [100, 33 * 81],
        [16 * 1_024, 16],
      ],
    );
    for (const { schedule } of floods) assert.ok(schedule.durationNanos <= 33 * 5e6 + 1);
  });
});

describe("the order of trials", () => {
  const plans = choosePlans(requests[0]!);
  const ids = (seed: number) => orderOfTrials(plans, 3, seed).map(({ plan, block }) => `${block} ${plan.id}`);

  it("is decided by the seed", () => {
    assert.deepEqual(ids(1), ids(1));
    assert.notDeepEqual(ids(1), ids(2));
  });

  it("has every cell once in each block, and the cells of a group together", () => {
    const order = orderOfTrials(plans, 3, 1);
    for (const block of [0, 1, 2]) {
      const own = order.slice(block * plans.length, (block + 1) * plans.length);
      assert.ok(own.every((trial) => trial.block === block));
      assert.deepEqual(own.map(({ plan }) => plan.id).sort(), plans.map(({ id }) => id).sort());
      const groups = own
        .map(({ plan }) => plan.group)
        .filter((group, index, all) => group !== all[index - 1]);
      assert.equal(new Set(groups).size, groups.length);
    }
  });

  it("is another one in each block", () => {
    const order = orderOfTrials(plans, 2, 1).map(({ plan }) => plan.id);
    assert.notDeepEqual(order.slice(0, plans.length), order.slice(plans.length));
  });
});
