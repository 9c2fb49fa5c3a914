/** `spillway config`. @module */
import { Command } from "commander";
import {
  ConfigError,
  defaultsFile,
  explainConfig,
  jsonSchema,
  type LoadedConfig,
  loadConfig,
  toldApart,
  worstCaseMemory,
} from "../config/index.ts";
import { pattern } from "./arguments.ts";
import { explanationLines, memoryLines, policyLines } from "./config-report.ts";
import { EXIT_FAILED, oneLine, problemLines, UsageError } from "./errors.ts";
import { Output } from "./output.ts";

export function configCommand(): Command {
  return new Command("config")
    .summary("check, explain and write configurations")
    .description("Checks and explains the file that `spillway serve --config FILE` reads.")
    .addCommand(checkCommand())
    .addCommand(explainCommand())
    .addCommand(printDefaultsCommand())
    .addCommand(schemaCommand());
}

interface JsonFlag {
  readonly json?: true;
}

const FILE = "the configuration, in YAML or JSON";
const VARIABLES = "\nVariables (SPILLWAY_…) count before the file, as they do when it is served.";

function checkCommand(): Command {
  return new Command("check")
    .summary("say what is wrong with a file, or what it means")
    .description(
      "Prints everything that is wrong with the file, one line each, and exits with 1; or how it treats each topic " +
        "pattern and class, where each value comes from, and the memory that it allows at worst.",
    )
    .argument("<file>", FILE)
    .option("--json", "print one JSON object")
    .addHelpText("after", VARIABLES)
    .action((file: string, { json }: JsonFlag) => check(file, json === true));
}

async function check(file: string, json: boolean): Promise<void> {
  try {
    const loaded = await load(file);
    const policies = toldApart(loaded.config).map((whom) => explainConfig(loaded, whom));
    const memory = worstCaseMemory(loaded.config);
    if (json) await print(JSON.stringify({ file, valid: true, policies, memory }, null, 2));
    else
      await print(
        `${file} is right.`,
        "",
        ...policyLines(policies),
        "",
        ...memoryLines(memory, loaded.config),
      );
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    // As compilers do it, so that editors find the place.
    for (const line of problemLines(error)) process.stderr.write(`${oneLine(line)}\n`);
    if (json) await print(JSON.stringify({ file, valid: false, problems: error.problems }, null, 2));
    process.exitCode = EXIT_FAILED;
  }
}

interface ExplainFlags extends JsonFlag {
  readonly topic: string;
  readonly class?: string;
}

function explainCommand(): Command {
  return new Command("explain")
    .summary("say what counts for one topic or class, and why")
    .description("Prints every value that counts for a subscription of a topic, and where it comes from.")
    .argument("<file>", FILE)
    .requiredOption("-t, --topic <pattern>", "the topic, or the pattern of a subscription", pattern)
    .option("--class <name>", "the class of the subscriber")
    .option("--json", "print one JSON object")
    .addHelpText("after", VARIABLES)
    .action((file: string, flags: ExplainFlags) => explain(file, flags));
}

async function explain(file: string, { topic, class: className, json }: ExplainFlags): Promise<void> {
  const loaded = await load(file);
  const explanation = explain();
  if (json === true) await print(JSON.stringify(explanation, null, 2));
  else await print(...explanationLines(explanation));

  function explain() {
    try {
      return explainConfig(loaded, { patterns: [topic], className });
    } catch (error) {
      if (error instanceof RangeError) throw new UsageError(`--class: ${error.message}`);
      throw error;
    }
  }
}

function printDefaultsCommand(): Command {
  return new Command("print-defaults")
    .summary("print a file with every option at its default")
    .description("Prints a commented file with every option at its default: a place to start from.")
    .action(() => print(defaultsFile().trimEnd()));
}

function schemaCommand(): Command {
  return new Command("schema")
    .summary("print the JSON Schema of the file")
    .description(
      "Prints the JSON Schema of the file, for editors: with `# yaml-language-server: $schema=PATH` in its first line, " +
        "those that use the YAML language server complete and check it.",
    )
    .action(() => print(JSON.stringify(jsonSchema(), null, 2)));
}

function load(file: string): Promise<LoadedConfig> {
  return loadConfig({ file, environment: process.env });
}

/** No faster than it is read; whoever reads no more misses the rest. */
async function print(...lines: readonly string[]): Promise<void> {
  const output = new Output(() => {});
  for (const line of lines) await output.line(line);
  await output.flush();
}
