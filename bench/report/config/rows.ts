/**
 * The figures of a comparison, line by line: of each kind of clients, then of the server. Only of trials that count.
 *
 * @module
 */
import type { ConfigResults, ConfigTrial, MeasuredConfig } from "../../config-results.ts";
import { type Compared, compareFigure, type Sample } from "./compare.ts";
import { type Figure, kindFigures, SERVER_FIGURES } from "./figures.ts";

/** One line of the comparison, as numbers. */
export interface FigureRow {
  /** The id of a kind, or `server`. */
  readonly of: string;
  readonly figure: string;
  /** One for each configuration. */
  readonly compared: readonly Compared[];
  readonly text: (value: number) => string;
  /** See {@link Figure}. */
  readonly line: string | undefined;
}

/** Of the trials that count. Figures that are 0 for all are left out, but for the first ones. */
export function figureRows({ kinds, configs, seed }: ConfigResults): readonly FigureRow[] {
  const counted = configs.map(validTrials);
  const all = counted.flat().flatMap((trial) => Object.values(trial.kinds));
  return [
    ...kinds.flatMap((kind) => {
      const samples = counted.map((trials) => samplesOf(trials, (trial) => trial.kinds[kind.id]));
      return rowsOf(kind.id, kindFigures(all, kind.name === "returning"), samples, seed);
    }),
    ...rowsOf(
      "server",
      SERVER_FIGURES,
      counted.map((trials) => samplesOf(trials, ({ server }) => server)),
      seed,
    ),
  ];
}

function rowsOf<T>(
  of: string,
  figures: readonly Figure<T>[],
  samples: readonly (readonly Sample<T>[])[],
  seed: number,
): readonly FigureRow[] {
  return figures
    .map((figure) => ({ figure, compared: compareFigure(figure, samples, seed) }))
    .filter(({ figure, compared }) => figure.always || compared.some(({ value = 0 }) => value !== 0))
    .map(({ figure: { name, text, line }, compared }) => ({ of, figure: name, text, line, compared }));
}

function samplesOf<T>(
  trials: readonly ConfigTrial[],
  of: (trial: ConfigTrial) => T | undefined,
): readonly Sample<T>[] {
  return trials.flatMap((trial) => {
    const figures = of(trial);
    return figures === undefined ? [] : [{ block: trial.block, figures }];
  });
}

export function validTrials({ trials }: MeasuredConfig): readonly ConfigTrial[] {
  return trials.filter(({ problems }) => problems.length === 0);
}

/** Of the configuration that has the fewest. */
export function fewestTrials({ configs }: Pick<ConfigResults, "configs">): number {
  return Math.min(...configs.map((config) => validTrials(config).length));
}
