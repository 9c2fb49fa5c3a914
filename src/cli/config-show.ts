/** `spillway config show`. @module */
import { Command } from "commander";
import { ANSWER_TIME, askOperator } from "./admin-call.ts";
import { DEFAULT_ADDRESS, serverAddress } from "./arguments.ts";
import { Output } from "./output.ts";
import { printable } from "./table.ts";

export function showCommand(): Command {
  return new Command("show")
    .summary("print what a running server has in force")
    .description(
      "Prints the configuration that a running server has in force, reloads included, with every value filled in. Needs " +
        "its admin service (spillway serve --admin).",
    )
    .option("-a, --address <host:port>", "the server", serverAddress, DEFAULT_ADDRESS)
    .action(({ address }: { readonly address: string }) => show(address));
}

async function show(address: string): Promise<void> {
  const none =
    `the server at ${address} shows no configuration: it has no admin service (spillway serve --admin has), or it is ` +
    "served by code that gives it no effectiveConfig";
  const text = await askOperator(address, (admin) => admin.config(ANSWER_TIME), none);
  const output = new Output(() => {});
  for (const line of text.trimEnd().split("\n")) await output.line(printable(line));
  await output.flush();
}
