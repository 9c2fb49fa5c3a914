/** `spillway serve`. @module */
import { Command } from "commander";
import { Hub } from "../fanout/index.ts";
import type { OverflowPolicyName } from "../protocol/index.ts";
import { serve } from "../transport/grpc/index.ts";
import { DEFAULT_ADDRESS, listenAddress, overflowPolicy, wholeNumber } from "./arguments.ts";
import { demoLonglived, startDemoFeed } from "./demo-feed.ts";
import { note } from "./errors.ts";
import { Output } from "./output.ts";
import { onStopSignal } from "./signals.ts";

interface ServeFlags {
  readonly listen: string;
  readonly demo?: true;
  readonly overflow?: OverflowPolicyName;
  readonly queueMessages?: number;
  readonly queueBytes?: number;
}

export function serveCommand(): Command {
  return new Command("serve")
    .summary("run a server")
    .description(
      "Runs a server with both services (spillway.v1.Fanout and protos.Longlived) and health checking on one port. " +
        "Prints one line naming the address when it is ready.",
    )
    .option(
      "-l, --listen <host:port>",
      "where to listen; port 0 is any free one",
      listenAddress,
      DEFAULT_ADDRESS,
    )
    .option(
      "--demo",
      "publish this machine's readings under host. and a text for every Longlived client, once a second",
    )
    .option(
      "-o, --overflow <policy>",
      "what a slow subscriber loses unless it asks otherwise (default: drop-oldest)",
      overflowPolicy,
    )
    .option(
      "--queue-messages <n>",
      "bound of each subscriber's queue in messages (default: 1024)",
      wholeNumber("messages", 1),
    )
    .option(
      "--queue-bytes <n>",
      "bound of each subscriber's queue in bytes (default: 1048576)",
      wholeNumber("bytes", 1),
    )
    .addHelpText(
      "after",
      "\nSIGINT and SIGTERM: refuses new calls, lets the queues empty for up to 5 s, tells every subscriber to come\n" +
        "back later, and exits with 0; a second signal ends it at once. Exits with 1 if it cannot listen, 2 for a\n" +
        "wrong command line.",
    )
    .action((flags: ServeFlags) => runServer(flags));
}

async function runServer({ listen, demo, overflow, queueMessages, queueBytes }: ServeFlags): Promise<void> {
  const queue = {
    ...(queueMessages === undefined ? {} : { messages: queueMessages }),
    ...(queueBytes === undefined ? {} : { bytes: queueBytes }),
  };
  const hub = new Hub({ queue, ...(overflow === undefined ? {} : { overflow }) });
  // Registered before the port is open: whoever sees the line may send a signal at once.
  const stopped = new Promise<void>((resolve) => onStopSignal(() => resolve()));
  const server = await serve(hub, { listen, ...(demo === true ? { longlived: demoLonglived } : {}) });
  const stopFeed = demo === true ? startDemoFeed(hub) : undefined;
  // A server goes on when nobody reads its one line.
  const output = new Output(() => {});
  await output.line(`spillway listening on ${server.address}`);
  await stopped;
  note("stopping");
  stopFeed?.();
  await server.close();
}
