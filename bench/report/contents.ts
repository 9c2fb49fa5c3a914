/** What a report says, in which order: the verdict first, then what it stands on, then who could not be asked. @module */
import { inScenario, SCENARIO } from "./cells.ts";
import type { Block, Inline } from "./document.ts";
import { type Goal, judge, VERDICTS, type Verdict } from "./goals/index.ts";
import type { Material, Run } from "./material.ts";
import type { Plot } from "./plots/index.ts";
import type { Table } from "./table.ts";
import { cpuTables } from "./tables/cpu.ts";
import { goalsTable } from "./tables/goals.ts";
import { headline } from "./tables/headline.ts";
import { invalidTable } from "./tables/invalid.ts";
import { microTable } from "./tables/micro.ts";
import { scenarioTable } from "./tables/scenario.ts";
import { systemsTable } from "./tables/systems.ts";
import * as text from "./text.ts";

export function contentsOf(material: Material, plots: readonly Plot[]): Block[] {
  const goals = judge(material);
  const shown = (section: Plot["section"]): Block[] =>
    plots.filter((plot) => plot.section === section).map((plot) => ({ kind: "plot", plot }));
  return [
    { kind: "heading", level: 1, text: "Benchmarks" },
    ...conditions(material),
    ...howToRead(),
    ...goalsSection(goals),
    ...taxSection(material, shown("tax")),
    ...section("CPU per delivery", cpuTables(material).map(asBlock), shown("cpu")),
    ...section("Other scenarios", otherScenarios(material), shown("other")),
    ...section("The engine alone", material.micro.map(microTable).map(asBlock), []),
    ...validity(material),
    { kind: "heading", level: 2, text: "Systems" },
    untitled(systemsTable(material)),
  ];
}

function conditions({ runs, differences }: Material): Block[] {
  const [{ environment }] = runs;
  const changed = runs.some((run) => run.environment.commit.endsWith("+"));
  const warnings: Inline[] = [
    ...(differences.length === 0
      ? []
      : [
          [
            `These runs do not belong together: ${differences.join("; ")}. Figures of different runs below are not comparable.`,
          ],
        ]),
    ...(changed ? [["The checkout had changes that the commit does not show."]] : []),
  ];
  return [
    {
      kind: "paragraph",
      text: [
        "What healthy subscribers pay for slow ones, and what a delivery costs. Made from the raw results by ",
        { code: "npm run bench:report" },
        "; nothing here is written by hand.",
      ],
    },
    ...warnings.map((warning): Block => ({ kind: "warning", text: warning })),
    {
      kind: "list",
      items: [
        [
          `Machine: ${environment.cpu}, ${environment.cores} cores, ${text.number(environment.memoryBytes / 2 ** 30)} GiB, ${environment.kernel}`,
        ],
        [`Node ${environment.node}, grpc-js ${environment.grpcJs}, commit `, { code: environment.commit }],
        [`Processes on cores: ${environment.pinning}`],
        ...runs.map(runLine),
      ],
    },
    { kind: "code", lines: [...new Set(runs.map(({ command }) => command))] },
  ];
}

function runLine({ startedAt, seconds, seed, scenarios }: Run): Inline {
  return [`Measured ${startedAt}, ${text.seconds(seconds)}, seed ${seed}: ${scenarios.join(", ")}`];
}

function howToRead(): Block[] {
  return [
    { kind: "heading", level: 2, text: "How to read this" },
    {
      kind: "list",
      items: [
        [
          "Compare rows with one another. Ratios within one run are the claim; absolute times belong to this machine.",
        ],
        [
          "Messages are published on a fixed schedule that waits for nobody, and latency counts from the time a message was due: who holds the publisher up pays for every message that was due meanwhile.",
        ],
        [
          "What a healthy subscriber had not received when a trial ended counts with the time it had waited until then. Leaving it out would make the worst systems look best.",
        ],
        [
          "Every cell was measured in fresh processes, several times, in shuffled blocks. Raw histograms are merged; percentiles are never averaged. A percentile needs ten messages beyond it, however many subscribers each of them went to, or reads ",
          { code: text.NOT_KNOWN },
          ".",
        ],
        [
          "The tax is the p99 of healthy subscribers beside slow ones through the p99 without them, over the blocks that both have, with a bootstrap 95 % interval over blocks. With few blocks the interval is narrower than its name: in simulations five blocks covered the truth about nine times in ten, three about eight, so with fewer than five there is none. One that includes 1 means that no difference was found, not that there is none: the wider it is, the less was seen.",
        ],
        [
          "A trial whose books do not balance does not count, and is listed. One that the machine or the harness spoiled was repeated once, and is listed too. Dropped, conflated and evicted are sums over the trials that count; memory is the median rise within a trial.",
        ],
      ],
    },
  ];
}

function goalsSection(goals: readonly Goal[]): Block[] {
  const verdicts = Object.keys(VERDICTS) as Verdict[];
  const count = (verdict: Verdict): number => goals.filter((goal) => goal.verdict === verdict).length;
  return [
    { kind: "heading", level: 2, text: "Goals" },
    {
      kind: "paragraph",
      text: [`${verdicts.map((verdict) => `${count(verdict)} ${verdict}`).join(", ")}.`],
    },
    {
      kind: "list",
      items: verdicts.map((verdict) => [`${verdict}: ${VERDICTS[verdict]}.`]),
    },
    untitled(goalsTable(goals)),
  ];
}

function taxSection(material: Material, plots: readonly Block[]): Block[] {
  const measured = inScenario(material, SCENARIO.tax).length > 0;
  return section("The slow-consumer tax", measured ? [asBlock(headline(material))] : [], plots);
}

function otherScenarios(material: Material): Block[] {
  const known: readonly string[] = [SCENARIO.tax, SCENARIO.cpu];
  const names = [...new Set(material.cells.map(({ scenario }) => scenario))].filter(
    (name) => !known.includes(name),
  );
  return names.map((name) => asBlock(scenarioTable(name, inScenario(material, name), material)));
}

function validity(material: Material): Block[] {
  const table = invalidTable(material);
  return table.rows.length === 0
    ? [
        {
          kind: "paragraph",
          text: ["All trials count, at the first attempt: the books of every one balance."],
        },
      ]
    : [{ kind: "table", table }];
}

/** A section with nothing in it is left out. */
function section(title: string, tables: readonly Block[], plots: readonly Block[]): Block[] {
  if (tables.length + plots.length === 0) return [];
  return [{ kind: "heading", level: 2, text: title }, ...plots, ...tables];
}

function asBlock(table: Table): Block {
  return { kind: "table", table };
}

/** Below a heading that says the same. */
function untitled(table: Table): Block {
  return asBlock({ ...table, title: "" });
}
