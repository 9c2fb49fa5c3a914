/** `spillway subscribe`. @module */
import { Command } from "commander";
import { systemClock } from "../clock.ts";
import { SpillwayError } from "../errors.ts";
import { checkPattern } from "../fanout/index.ts";
import type { OverflowPolicyName, Start } from "../protocol/index.ts";
import { connect, type RemoteFrame, type StateChange } from "../transport/grpc/client/index.ts";
import {
  DEFAULT_ADDRESS,
  duration,
  gather,
  header,
  overflowPolicy,
  serverAddress,
  startPosition,
} from "./arguments.ts";
import { note, UsageError } from "./errors.ts";
import { describeGrant, describePreviousEnd, describeState, jsonLine, textLine } from "./frame-lines.ts";
import { Output } from "./output.ts";
import { onStopSignal } from "./signals.ts";

/** How long the first connection may take, in milliseconds. */
export const CONNECT_TIMEOUT_MS = 5_000;

interface SubscribeFlags {
  readonly address: string;
  readonly from?: Start;
  readonly overflow?: OverflowPolicyName;
  readonly maxAge?: number;
  readonly minInterval?: number;
  readonly key?: readonly string[];
  readonly keyPrefix?: readonly string[];
  readonly name?: string;
  readonly label?: Readonly<Record<string, string>>;
  readonly json?: true;
}

export function subscribeCommand(): Command {
  return new Command("subscribe")
    .summary("print the messages of topics")
    .description(
      "Prints one line per message of every topic that matches a pattern, and one per gap: what a subscriber " +
        "that reads too slowly loses is announced where it is missing. Comes back by itself when the connection " +
        "is lost, and goes on where it was; notes about that go to stderr.",
    )
    .argument("<pattern...>", "topics: * is one whole token, a last > one or more (prices.*, 'host.>')")
    .option("-a, --address <host:port>", "the server", serverAddress, DEFAULT_ADDRESS)
    .option(
      "-f, --from <start>",
      "where to start: live, oldest, snapshot (the latest of every key), last:N (the newest N messages), since:TIME " +
        "(2026-01-31T09:30:00Z, or as long ago as 5m) or EPOCH:OFFSET (behind that position) (default: live)",
      (value: string) => startPosition(value),
    )
    .option(
      "-o, --overflow <policy>",
      "what happens when reading too slowly: drop-oldest, drop-newest, conflate, park, block (where the server " +
        "grants it) or evict (default: the server's)",
      overflowPolicy,
    )
    .option("--max-age <time>", "only messages that are not older when their turn comes (30s, 5m)", duration)
    .option("--min-interval <time>", "at most one message of each key in that time; needs conflate", duration)
    .option("-k, --key <key>", "only messages with this key; may be repeated", gather)
    .option("-p, --key-prefix <prefix>", "only messages whose key begins like this; may be repeated", gather)
    .option("-n, --name <name>", "a name for the server's operator")
    .option(
      "-l, --label <name=value>",
      "what else the server's operator and its configuration may know it by; may be repeated",
      header,
    )
    .option("--json", "print one JSON object per line: started, message, gap, progress and state")
    .addHelpText(
      "after",
      "\nEnds with 0 on SIGINT, SIGTERM, a closed pipe, or when the server completes it; 1 if the server cannot be\n" +
        "reached within 5 s or refuses; 2 for a wrong command line.",
    )
    .action((patterns: readonly string[], flags: SubscribeFlags) => subscribe(patterns, flags));
}

async function subscribe(patterns: readonly string[], flags: SubscribeFlags): Promise<void> {
  for (const pattern of patterns) checkPatternArgument(pattern);
  await using client = connect(flags.address, { waitForServer: false, connectTimeoutMs: CONNECT_TIMEOUT_MS });
  const {
    from,
    overflow,
    maxAge,
    minInterval,
    name,
    label: labels,
    key: keys,
    keyPrefix: keyPrefixes,
  } = flags;
  const filtered = keys !== undefined || keyPrefixes !== undefined;
  const subscription = client.subscribe(patterns, {
    ...(from === undefined ? {} : { start: from }),
    ...(overflow === undefined ? {} : { overflow }),
    ...(maxAge === undefined ? {} : { maxAgeMs: maxAge }),
    ...(minInterval === undefined ? {} : { minIntervalMs: minInterval }),
    ...(name === undefined ? {} : { clientName: name }),
    ...(labels === undefined ? {} : { labels }),
    ...(filtered ? { filter: { keys: keys ?? [], keyPrefixes: keyPrefixes ?? [] } } : {}),
    onStateChange: reportTrouble(flags.address),
  });
  const output = new Output(() => subscription.close());
  onStopSignal(() => {
    subscription.close();
    output.release();
  });
  const render = (frame: RemoteFrame): string | undefined =>
    flags.json === true
      ? jsonLine(frame, subscription.position?.epoch, systemClock.unixMs())
      : textLine(frame);
  const noteControl = flags.json === true ? () => {} : controlNotes(from === undefined || from === "live");
  for await (const frame of subscription) {
    noteControl(frame);
    const line = render(frame);
    // Nothing more is read while the output is full: the server's policy then decides what this reader loses.
    if (line !== undefined) await output.line(line);
  }
  await output.flush();
}

function checkPatternArgument(pattern: string): void {
  try {
    checkPattern(pattern);
  } catch (error) {
    throw error instanceof SpillwayError ? new UsageError(error.message, { cause: error }) : error;
  }
}

/** In text mode the frames about the subscription itself go to stderr. @param live - it was asked to start live */
function controlNotes(live: boolean): (frame: RemoteFrame) => void {
  let how = live ? "live" : "starting";
  let rung = 0;
  return (frame) => {
    if (frame.kind === "started") {
      if (frame.previousEnd !== undefined) note(describePreviousEnd(frame.previousEnd));
      note(`${how} behind offset ${frame.position.offset}, ${describeGrant(frame)}`);
      how = "going on";
      rung = 0;
    } else if (frame.kind === "state") {
      note(describeState(frame, rung));
      rung = frame.rung;
    }
  };
}

function reportTrouble(address: string): (change: StateChange) => void {
  return ({ state, delayMs, error }) => {
    if (state !== "waiting") return;
    const seconds = ((delayMs ?? 0) / 1000).toFixed(1);
    note(`${error?.message ?? `${address} ended the call`}; trying again in ${seconds} s`);
  };
}
