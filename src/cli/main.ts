#!/usr/bin/env node
/**
 * The `spillway` command: a thin shell over the library. One file per command; this one puts them together and turns
 * whatever they throw into one line and an exit code.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { configCommand } from "./config.ts";
import { describeFailure, EXIT_USAGE, note, oneLine } from "./errors.ts";
import { evictCommand } from "./evict.ts";
import { lsCommand } from "./ls.ts";
import { publishCommand } from "./publish.ts";
import { serveCommand } from "./serve.ts";
import { statsCommand } from "./stats.ts";
import { subscribeCommand } from "./subscribe.ts";

function program(): Command {
  const spillway = new Command("spillway")
    .description(
      "Fans a stream of messages out to many subscribers over gRPC, and stays fast, bounded and honest when some of " +
        "them are slow.",
    )
    .version(version(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand("help [command]", "print the help of a command");
  for (const command of [
    serveCommand(),
    subscribeCommand(),
    publishCommand(),
    lsCommand(),
    statsCommand(),
    evictCommand(),
    configCommand(),
  ]) {
    spillway.addCommand(command.helpOption("-h, --help", "print this help"));
  }
  for (const command of withAllBelow(spillway)) {
    command.exitOverride().configureOutput({
      // Commander adds suggestions on a line of their own.
      outputError: (text) => note(`${oneLine(text).replace(/^error: /, "")} (see spillway --help)`),
    });
  }
  return spillway;
}

function withAllBelow(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(withAllBelow)];
}

function version(): string {
  const path = fileURLToPath(import.meta.resolve("spillway/package.json"));
  return (JSON.parse(readFileSync(path, "utf8")) as { version: string }).version;
}

async function main(args: readonly string[]): Promise<void> {
  if (args.length === 0) {
    note("expected a command: serve, subscribe, publish, ls, stats, evict or config (see spillway --help)");
    process.exitCode = EXIT_USAGE;
    return;
  }
  try {
    await program().parseAsync(args, { from: "user" });
  } catch (error) {
    const { lines, exitCode } = describeFailure(error);
    for (const line of lines) note(line);
    process.exitCode = exitCode;
  }
}

// stderr may be a closed pipe too; then there is nobody to tell.
process.stderr.on("error", () => {});
await main(process.argv.slice(2));
// What is left by now (a standard input that never ends, a reader that never reads) must not keep the process.
process.exit();
