/** A server as `spillway serve` runs it: from its configuration to the signal that ends it. @module */
import type { Logger } from "pino";
import { watchConfig } from "../config/index.ts";
import { Hub } from "../fanout/index.ts";
import { logEvents, type MetricsServer, serveMetrics } from "../observe/index.ts";
import { serve } from "../transport/grpc/index.ts";
import { type Sources, sourcesOf } from "./config-sources.ts";
import { demoLonglived, startDemoFeed } from "./demo-feed.ts";
import { LiveConfig, logLevelOf } from "./live-config.ts";
import { openLog } from "./log.ts";
import { Output } from "./output.ts";
import { configOf, type ServeFlags } from "./serve-flags.ts";
import { onReloadSignal, onStopSignal } from "./signals.ts";

export async function runServer(flags: ServeFlags): Promise<void> {
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
    await using metrics = await startMetrics(hub, config.metrics?.listen, log.logger);
    await using server = await serve(hub, {
      ...config.server,
      ...(flags.demo === true ? { longlived: demoLonglived } : {}),
      admin: config.admin?.enabled === true ? { effectiveConfig: live.text } : false,
      reflection: config.admin?.reflection ?? false,
    });
    const stopFeed = flags.demo === true ? startDemoFeed(hub) : undefined;
    const { address } = server;
    log.logger.info({ address, metrics: metrics?.address, file: sources.file }, "listening");
    // A server goes on when nobody reads its lines.
    const output = new Output(() => {});
    await output.line(`spillway listening on ${address}`);
    if (metrics !== undefined) await output.line(`metrics on http://${metrics.address}/metrics`);
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

/** @param listen - `undefined`: nowhere */
async function startMetrics(
  hub: Hub,
  listen: string | undefined,
  logger: Logger,
): Promise<MetricsServer | undefined> {
  if (listen === undefined) return undefined;
  const onError = (err: unknown) => logger.error({ err }, "a scrape of the metrics failed");
  return await serveMetrics(hub, { listen, onError });
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
