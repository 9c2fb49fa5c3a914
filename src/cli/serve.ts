/** `spillway serve`. @module */
import { Command } from "commander";
import { Hub, type HubOptions, PRESETS, type PresetName, type TopicOptions } from "../fanout/index.ts";
import { OVERFLOW_POLICIES, type OverflowPolicyName } from "../protocol/index.ts";
import { serve } from "../transport/grpc/index.ts";
import {
  DEFAULT_ADDRESS,
  gatherPatterns,
  listenAddress,
  oneOf,
  overflowPolicy,
  wholeNumber,
} from "./arguments.ts";
import { demoLonglived, startDemoFeed } from "./demo-feed.ts";
import { note, UsageError } from "./errors.ts";
import { Output } from "./output.ts";
import { onStopSignal } from "./signals.ts";

/** Retained per topic unless asked otherwise: so that whoever was away for a moment misses nothing. */
const DEFAULT_RETAIN = { messages: 1_024, bytes: 1_048_576 };

interface ServeFlags {
  readonly listen: string;
  readonly demo?: true;
  readonly preset?: PresetName;
  readonly overflow?: OverflowPolicyName;
  readonly allowBlock?: true;
  readonly retain?: number;
  readonly retainBytes?: number;
  readonly retainLatest?: readonly string[];
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
      "-p, --preset <name>",
      "where the other flags say nothing: live-state (the latest per key), event-feed (bursts fit), audit-log (nothing " +
        "lost, 65536 messages retained per topic) or telemetry (small queues, the latest per key for who lags)",
      oneOf(Object.keys(PRESETS) as PresetName[]),
    )
    .option(
      "-o, --overflow <policy>",
      "what happens to a slow subscriber that asks for nothing else: drop-oldest, drop-newest, conflate, park, block " +
        "or evict (default: drop-oldest)",
      overflowPolicy,
    )
    .option("--allow-block", "grant the policy block, under which a subscriber slows down its publishers")
    .option(
      "--retain <n>",
      "messages retained per topic, for subscribers that come back, are parked, or start in the past; 0 is none " +
        `(default: ${DEFAULT_RETAIN.messages})`,
      wholeNumber("messages", 0),
    )
    .option(
      "--retain-bytes <n>",
      `bytes retained per topic at most (default: ${DEFAULT_RETAIN.bytes})`,
      wholeNumber("bytes", 1),
    )
    .option(
      "--retain-latest <pattern>",
      "topics that retain the latest message of every key instead; may be repeated",
      gatherPatterns,
    )
    .option(
      "--queue-messages <n>",
      "bound of each subscriber's queue in messages (default: the preset's, or 1024)",
      wholeNumber("messages", 1),
    )
    .option(
      "--queue-bytes <n>",
      "bound of each subscriber's queue in bytes (default: the preset's, or 1048576)",
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

async function runServer(flags: ServeFlags): Promise<void> {
  const { listen, demo } = flags;
  const hub = makeHub(flags);
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

/** @throws UsageError for flags that contradict each other */
function makeHub(flags: ServeFlags): Hub {
  const { preset, queueMessages, queueBytes, allowBlock } = flags;
  const base: HubOptions = preset === undefined ? {} : PRESETS[preset];
  const overflow = flags.overflow ?? base.overflow ?? "drop-oldest";
  const options: HubOptions = {
    ...(preset === undefined ? {} : { preset }),
    overflow,
    queue: {
      ...(queueMessages === undefined ? {} : { messages: queueMessages }),
      ...(queueBytes === undefined ? {} : { bytes: queueBytes }),
    },
    ...retentionOf(flags, base),
    ...(allowBlock === true ? { allowedOverflow: OVERFLOW_POLICIES } : {}),
  };
  if (overflow === "park" && options.retention === false && options.topics === undefined) {
    throw new UsageError("the policy park reads on from what is retained: it needs a --retain above 0");
  }
  return new Hub(options);
}

function retentionOf(
  { retain, retainBytes, retainLatest = [] }: ServeFlags,
  base: HubOptions,
): Pick<HubOptions, "retention" | "topics"> {
  const { messages, bytes } = DEFAULT_RETAIN;
  const latest: TopicOptions = { retention: { latestPerKey: true } };
  const asked = retain !== undefined || retainBytes !== undefined || base.retention === undefined;
  return {
    ...(asked
      ? { retention: retain === 0 ? false : { messages: retain ?? messages, bytes: retainBytes ?? bytes } }
      : {}),
    ...(retainLatest.length === 0
      ? {}
      : { topics: Object.fromEntries(retainLatest.map((pattern) => [pattern, latest])) }),
  };
}
