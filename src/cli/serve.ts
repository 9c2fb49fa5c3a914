/** `spillway serve`. @module */
import { Command } from "commander";
import type { Logger } from "pino";
import { watchConfig } from "../config/index.ts";
import { Hub } from "../fanout/index.ts";
import { logEvents } from "../observe/index.ts";
import { serve } from "../transport/grpc/index.ts";
import { type Sources, sourcesOf } from "./config-sources.ts";
import { demoLonglived, startDemoFeed } from "./demo-feed.ts";
import { LiveConfig, logLevelOf } from "./live-config.ts";
import { openLog } from "./log.ts";
import { Output } from "./output.ts";
import { addServeFlags, configOf, type ServeFlags } from "./serve-flags.ts";
import { onReloadSignal, onStopSignal } from "./signals.ts";

export function serveCommand(): Command {
  const command = new Command("serve")
    .summary("run a server")
    .description(
      "Runs a server with both services (spillway.v1.Fanout and protos.Longlived) and health checking on one port. " +
        "Prints one line naming the address when it is ready. Flags count before variables (SPILLWAY_…), those before " +
        "the file, and that before the defaults.",
    );
  return addServeFlags(command)
    .addHelpText(
      "after",
      "\nLogs JSON lines to stderr. SIGHUP, or a change of the file: reads the configuration again, and puts it in force\n" +
        "if it is right and changes nothing that needs a restart. SIGINT and SIGTERM: refuses new calls, lets the queues\n" +
        "empty for up to 5 s, tells every subscriber to come back later, and exits with 0; a second signal ends it at\n" +
        "once. Exits with 1 if it cannot listen, 2 for a wrong command line or configuration.",
    )
    .action((flags: ServeFlags) => runServer(flags));
}

async function runServer(flags: ServeFlags): Promise<void> {
  const sources = sourcesOf(flags.config, configOf(flags));
  const loaded = await sources.load();
  const { config } = loaded;
  const log = openLog(logLevelOf(config));
  // Registered before the port is open: whoever sees the line may send a signal at once.
  const stopped = new Promise<string>((resolve) => onStopSignal(resolve));
  // The log tells of hooks that fail.
  const hub = new Hub({ ...config.hub, onError: () => {} });
  const stopEvents = logEvents(log.logger, { hub });
  const live = new LiveConfig(hub, log.logger, loaded);
  const stopReloading = startReloading(sources, live, log.logger);
  try {
    await using server = await serve(hub, {
      ...config.server,
      ...(flags.demo === true ? { longlived: demoLonglived } : {}),
      admin: config.admin?.enabled === true ? { effectiveConfig: live.text } : false,
      reflection: config.admin?.reflection ?? false,
    });
    const stopFeed = flags.demo === true ? startDemoFeed(hub) : undefined;
    log.logger.info({ address: server.address, file: sources.file }, "listening");
    // A server goes on when nobody reads its lines.
    const output = new Output(() => {});
    await output.line(`spillway listening on ${server.address}`);
    const signal = await stopped;
    log.logger.info({ signal }, "stopping");
    stopReloading();
    stopFeed?.();
    await server.close();
    log.logger.info("stopped");
  } finally {
    stopReloading();
    stopEvents();
    await log.flush();
  }
}

/** Puts the configuration in force again whenever the file changes or SIGHUP comes. Returns what ends that. */
function startReloading({ file, load }: Sources, live: LiveConfig, logger: Logger): () => void {
  if (file === undefined) {
    onReloadSignal(() =>
      logger.warn(
        "SIGHUP: there is no configuration file to read again; start with --config FILE to have one",
      ),
    );
    return () => {};
  }
  const watch = watchConfig(load, file, { since: live.inForce, onChange: live.adopt, onError: live.reject });
  onReloadSignal(() => void watch.reload());
  return () => watch.stop();
}
