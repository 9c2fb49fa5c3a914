/**
 * What a report is made from: one run, or several of the same code on the same machine put together, one per group of
 * scenarios. Runs that differ are refused, or, when that is asked for, put together with the differences said first: a
 * ratio of two machines means nothing.
 *
 * @module
 */
import {
  type Cell,
  type Environment,
  type MicroTable,
  RESULTS_SCHEMA,
  type Results,
  type SystemInfo,
} from "../results.ts";
import { type Comparison, compare } from "./statistics.ts";

export interface Run {
  readonly environment: Environment;
  readonly command: string;
  readonly seed: number;
  readonly startedAt: string;
  readonly seconds: number;
  readonly scenarios: readonly string[];
}

export interface Material {
  readonly runs: readonly [Run, ...Run[]];
  /** In what the runs differ, a sentence each; empty as a rule. */
  readonly differences: readonly string[];
  readonly systems: readonly SystemInfo[];
  readonly cells: readonly Cell[];
  readonly micro: readonly MicroTable[];
  /** Of the system of that name; one that the results do not describe is taken for a peer. */
  kindOf(system: string): SystemInfo["kind"];
  controlOf(cell: Cell): Cell | undefined;
  /** With its control; `undefined` for a cell that is a control itself. */
  comparisonOf(cell: Cell): Comparison | undefined;
}

const MUST_AGREE = ["cpu", "cores", "kernel", "node", "grpcJs", "commit", "pinning"] as const;

/**
 * @throws RangeError for no results, results of another schema, and cells or micro tables that are there twice; and,
 *   unless `mixed`, for runs of different machines or code.
 */
export function gather(all: readonly Results[], options: { readonly mixed?: boolean } = {}): Material {
  const [first, ...rest] = all;
  if (first === undefined) throw new RangeError("a report needs at least one run, got none");
  for (const { schema } of all as readonly { readonly schema: number }[]) {
    if (schema !== RESULTS_SCHEMA) {
      throw new RangeError(`expected results of schema ${RESULTS_SCHEMA}, got ${schema}: measure again`);
    }
  }
  const differences = differencesOf(all);
  if (differences.length > 0 && !options.mixed) {
    throw new RangeError(
      `these runs do not belong in one table: ${differences.join("; ")}. ` +
        "Report on them one by one, or say --mixed to have it said in the report",
    );
  }
  const cells = unique(
    all.flatMap((results) => results.cells),
    (cell) => cell.id,
    "cell",
  );
  const byId = new Map(cells.map((cell) => [cell.id, cell]));
  const systems = systemsOf(all);
  const comparisons = new Map<Cell, Comparison>();
  const controlOf = (cell: Cell): Cell | undefined =>
    cell.control === undefined ? undefined : byId.get(cell.control);
  return {
    runs: [runOf(first), ...rest.map(runOf)],
    differences,
    systems,
    cells,
    micro: unique(
      all.flatMap((results) => results.micro),
      (table) => table.name,
      "micro table",
    ),
    kindOf: (name) => systems.find((system) => system.name === name)?.kind ?? "peer",
    controlOf,
    comparisonOf(cell) {
      if (cell.control === undefined) return undefined;
      const control = controlOf(cell);
      const made =
        comparisons.get(cell) ??
        (control === undefined
          ? { blocks: 0, why: `its control ${cell.control} is not in the results` }
          : compare(cell, control, first.seed));
      comparisons.set(cell, made);
      return made;
    },
  };
}

function runOf({ environment, command, seed, startedAt, seconds, cells, micro }: Results): Run {
  const scenarios = [...new Set(cells.map((cell) => cell.scenario)), ...(micro.length > 0 ? ["micro"] : [])];
  return { environment, command, seed, startedAt, seconds, scenarios: [...new Set(scenarios)] };
}

function differencesOf(all: readonly Results[]): string[] {
  const found = MUST_AGREE.flatMap((name) => {
    const values = [...new Set(all.map((results) => String(results.environment[name])))];
    return values.length > 1 ? [`${name} is ${values.join(" and ")}`] : [];
  });
  for (const { name } of systemsOf(all)) {
    const versions = new Set(
      all.flatMap(({ systems }) =>
        systems.filter((one) => one.name === name).flatMap((one) => one.version ?? []),
      ),
    );
    if (versions.size > 1) found.push(`${name} is ${[...versions].join(" and ")}`);
  }
  return found;
}

/** Each once; where one run had it and another had not, as the run that had it says. */
function systemsOf(all: readonly Results[]): SystemInfo[] {
  const systems = new Map<string, SystemInfo>();
  for (const system of all.flatMap((results) => results.systems)) {
    const known = systems.get(system.name);
    if (known === undefined || known.unavailable !== undefined) systems.set(system.name, system);
  }
  return [...systems.values()];
}

function unique<T>(items: readonly T[], nameOf: (item: T) => string, what: string): readonly T[] {
  const names = new Set<string>();
  for (const name of items.map(nameOf)) {
    if (names.has(name))
      throw new RangeError(`the ${what} ${name} is there twice: report on one of the runs`);
    names.add(name);
  }
  return items;
}
