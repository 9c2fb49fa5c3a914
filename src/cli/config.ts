/** `spillway config`. @module */
import { Command } from "commander";
import { pattern } from "./arguments.ts";
import { showCommand } from "./config-show.ts";

export function configCommand(): Command {
  return new Command("config")
    .summary("check, explain and write configurations")
    .description("Checks and explains the file that `spillway serve --config FILE` reads.")
    .addCommand(checkCommand())
    .addCommand(explainCommand())
    .addCommand(showCommand())
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
    .action(async (file: string, { json }: JsonFlag) => (await actions()).check(file, json === true));
}

export interface ExplainFlags extends JsonFlag {
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
    .action(async (file: string, flags: ExplainFlags) => (await actions()).explain(file, flags));
}

function printDefaultsCommand(): Command {
  return new Command("print-defaults")
    .summary("print a file with every option at its default")
    .description("Prints a commented file with every option at its default: a place to start from.")
    .action(async () => (await actions()).printDefaults());
}

function schemaCommand(): Command {
  return new Command("schema")
    .summary("print the JSON Schema of the file")
    .description(
      "Prints the JSON Schema of the file, for editors: with `# yaml-language-server: $schema=PATH` in its first line, " +
        "those that use the YAML language server complete and check it.",
    )
    .action(async () => (await actions()).printSchema());
}

/** What only these commands need is loaded with them: the others start sooner. */
function actions() {
  return import("./config-actions.ts");
}
