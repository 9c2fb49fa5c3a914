import { SpillwayError } from "../errors.ts";
import { formatPath, type Origin, type Path } from "./said.ts";

/** Something that is wrong with a configuration. */
export interface ConfigProblem {
  /** As in the file: `hub.topics."prices.>".queue.messages`. Empty: the source as a whole. */
  readonly path: string;
  /** What was expected, what came, and what to do about it. */
  readonly message: string;
  /** `spillway.yaml:12:5`, the name of a variable, or `code`. */
  readonly where: string;
}

/** Code `CONFIG_INVALID`. The message has one line for each problem. */
export class ConfigError extends SpillwayError {
  /** Everything that is wrong. */
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super("CONFIG_INVALID", problems.map(formatProblem).join("\n"));
    this.problems = problems;
  }
}

function formatProblem({ path, message, where }: ConfigProblem): string {
  return `${where}: ${path === "" ? "" : `${path}: `}${message}`;
}

/** A problem before it is put into words for people. */
export interface Finding {
  readonly path: Path;
  readonly message: string;
  readonly origin: Origin;
}

export function toProblem({ path, message, origin }: Finding): ConfigProblem {
  return { path: printable(formatPath(path)), message: printable(message), where: printable(origin.text) };
}

/** On one line, and nothing that a terminal would obey: keys and names of files are anybody's. */
function printable(text: string): string {
  return text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
    /[\0-\x1f\x7f-\x9f\u2028\u2029]/g,
    (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
