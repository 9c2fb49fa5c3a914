/**
 * CPU of the server per delivery: ours through that of another system under the same load, of the medians. The verdict
 * goes by that ratio, and is open where single blocks lie on the other side of the bound. Unequal rates are not compared:
 * who sends less has more of the cost of being awake in each delivery.
 *
 * @module
 */
import type { Cell } from "../../results.ts";
import { inScenario, nameOf, ours, SCENARIO, SYSTEM } from "../cells.ts";
import type { Material } from "../material.ts";
import { cpuRatio } from "../statistics.ts";
import * as text from "../text.ts";
import { type Goal, notMeasured } from "./goal.ts";

const MANY = 16;

interface Bound {
  readonly system: string;
  readonly most: number;
}

const WITH_MANY: readonly Bound[] = [
  { system: SYSTEM.plainGrpc, most: 0.1 },
  { system: SYSTEM.http2, most: 1.5 },
  { system: SYSTEM.grpcGo, most: 1 },
  { system: SYSTEM.nats, most: 1 },
];
const WITH_ONE: readonly Bound[] = [
  { system: SYSTEM.plainGrpc, most: 1.1 },
  { system: SYSTEM.http2, most: 1.4 },
];
const SUBSCRIBERS = { few: 100, many: 1_000, most: 1.2 };

export function cpuGoals(material: Material): Goal[] {
  const cells = inScenario(material, SCENARIO.cpu);
  return [
    ...WITH_MANY.flatMap((bound) =>
      beside(material, cells, bound, (burst) => burst >= MANY, `${MANY} or more waiting`),
    ),
    ...WITH_ONE.flatMap((bound) => beside(material, cells, bound, (burst) => burst === 1, "1 waiting")),
    ...bySubscribers(material, cells),
  ];
}

/** A goal for each load of ours that the other system was measured under too. */
function beside(
  material: Material,
  cells: readonly Cell[],
  { system, most }: Bound,
  wanted: (burst: number) => boolean,
  when: string,
): Goal[] {
  const goal = `CPU per delivery, ours : ${system}, ${when}`;
  const bound = `≤ ${most}×`;
  const mine = ours(material, cells).filter(({ load }) => wanted(load.burst));
  const pairs = mine.flatMap((cell) => {
    const others = cells.filter((one) => one.system === system && sameLoad(one, cell));
    // Where there is none that was offered the same, any: to say that it was not.
    const other = others.find(({ load }) => load.rate === cell.load.rate) ?? others[0];
    return other === undefined ? [] : [{ cell, other }];
  });
  if (pairs.length === 0) {
    const why = material.systems.find(({ name }) => name === system)?.unavailable;
    return [
      notMeasured(goal, bound, why === undefined ? "no such cells" : `${system} could not run: ${why}`),
    ];
  }
  return pairs.map(({ cell, other }) => {
    const load = `${text.whole(cell.load.burst)} waiting, ${text.whole(cell.load.healthy)} subscribers`;
    return judge(`CPU per delivery, ${nameOf(cell)} : ${system}, ${load}`, bound, most, cell, other);
  });
}

function bySubscribers(material: Material, cells: readonly Cell[]): Goal[] {
  const { few, many, most } = SUBSCRIBERS;
  const goal = `CPU per delivery, ${text.whole(many)} : ${few} subscribers, at equal deliveries per second`;
  const bound = `≤ ${most}×`;
  const mine = ours(material, cells);
  const pairs = mine
    .filter(({ load }) => load.healthy === many)
    .flatMap((cell) => {
      const other = mine.find(
        (one) =>
          one.load.healthy === few &&
          nameOf(one) === nameOf(cell) &&
          deliveriesOf(one) === deliveriesOf(cell) &&
          one.load.burst === cell.load.burst &&
          one.load.payloadBytes === cell.load.payloadBytes &&
          one.load.perConnection === cell.load.perConnection,
      );
      return other === undefined ? [] : [{ cell, other }];
    });
  if (pairs.length === 0) return [notMeasured(goal, bound, "no such cells of equal deliveries per second")];
  return pairs.map(({ cell, other }) =>
    judge(`${goal}, ${text.whole(cell.load.burst)} waiting`, bound, most, cell, other),
  );
}

function judge(goal: string, bound: string, most: number, cell: Cell, other: Cell): Goal {
  const cells = [cell.id, other.id];
  const why = cell.unavailable ?? other.unavailable;
  if (why !== undefined) return notMeasured(goal, bound, `could not run: ${why}`, cells);
  if (deliveriesOf(cell) !== deliveriesOf(other)) {
    const [mine, theirs] = [cell, other].map((one) => text.whole(deliveriesOf(one)));
    return notMeasured(goal, bound, `offered different rates: ${mine} and ${theirs} deliveries/s`, cells);
  }
  const ratio = cpuRatio(cell, other);
  if (ratio === undefined) return notMeasured(goal, bound, "no trial that counts", cells);
  const met = ratio.median <= most;
  const straddles = met ? ratio.high > most : ratio.low <= most;
  const spread = `${text.ratio(ratio.median)}, blocks ${text.ratio(ratio.low)} to ${text.ratio(ratio.high)}`;
  const remarks = [...(straddles ? ["some blocks on the other side of the bound"] : [])];
  return {
    goal,
    bound,
    measured: [spread, ...remarks].join("; "),
    verdict: straddles ? "undecided" : met ? "met" : "missed",
    cells,
  };
}

/** Per second, as the schedule asks for: what CPU per delivery has to be compared at, however many share it. */
function deliveriesOf({ load }: Cell): number {
  return load.rate * load.healthy;
}

function sameLoad(a: Cell, b: Cell): boolean {
  const keys = ["healthy", "slow", "slowKind", "payloadBytes", "burst", "perConnection"] as const;
  return keys.every((key) => a.load[key] === b.load[key]);
}
