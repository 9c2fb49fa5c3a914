/**
 * Why a trial does not count.
 *
 * - `system`: the system did something that it must not do. Nothing makes that good.
 * - `infrastructure`: the harness or the machine failed it. The trial is repeated once, and both are told.
 * - `unavailable`: the system cannot do what the cell asks for. There is nothing to measure, and nothing wrong.
 *
 * @module
 */
export type ProblemKind = "system" | "infrastructure" | "unavailable";

export class TrialProblem extends Error {
  readonly kind: ProblemKind;

  constructor(kind: ProblemKind, message: string) {
    super(withoutFolders(message));
    this.kind = kind;
  }
}

/** Results are shown to others, whom it does not concern where things lie on this machine: only names of files stay. */
export function withoutFolders(text: string): string {
  return text.replace(/(?<![\w/:.%-])(?:file:\/\/)?(?:\/[^\s/"'`()<>]+)+\/(?=[^\s/])/g, "");
}
