/** `spillway serve`. @module */
import { Command } from "commander";
import { addServeFlags, type ServeFlags } from "./serve-flags.ts";

export function serveCommand(): Command {
  const command = new Command("serve")
    .summary("run a server")
    .description(
      "Runs a server with both services (spillway.v1.Fanout and protos.Longlived) and health checking on one port. " +
        "Prints one line naming the address when it is ready. Flags count before variables (SPILLWAY_…), those before " +
        "the file, and that before the defaults.",
    );
  return (
    addServeFlags(command)
      .addHelpText(
        "after",
        "\nLogs JSON lines to stderr. SIGHUP, or a change of the file: reads the configuration again, and puts it in force\n" +
          "if it is right and changes nothing that needs a restart. SIGINT and SIGTERM: refuses new calls, lets the queues\n" +
          "empty for up to 5 s, tells every subscriber to come back later, and exits with 0; a second signal ends it at\n" +
          "once. Exits with 1 if it cannot listen, 2 for a wrong command line or configuration.",
      )
      // What only this command needs is loaded with it: the others start sooner.
      .action(async (flags: ServeFlags) => (await import("./run-server.ts")).runServer(flags))
  );
}
