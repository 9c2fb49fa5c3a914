/** `spillway publish`. @module */
import { Command } from "commander";
import { SpillwayError } from "../errors.ts";
import { checkTopic } from "../fanout/index.ts";
import { connect, type Publisher, type PublishSummary } from "../transport/grpc/client/index.ts";
import { DEFAULT_ADDRESS, duration, header, rate, serverAddress, wholeNumber } from "./arguments.ts";
import { CommandError, UsageError } from "./errors.ts";
import { generate } from "./generate.ts";
import { lines, untilAborted } from "./lines.ts";
import { Output } from "./output.ts";
import { exitCodeOf, onStopSignal, type StopSignal } from "./signals.ts";
import { CONNECT_TIMEOUT_MS } from "./subscribe.ts";

const DEFAULT_SIZE = 128;

interface PublishFlags {
  readonly address: string;
  readonly key?: string;
  readonly header?: Readonly<Record<string, string>>;
  readonly ttl?: number;
  readonly tombstone?: true;
  readonly rate?: number;
  readonly count?: number;
  readonly size?: number;
}

export function publishCommand(): Command {
  return new Command("publish")
    .summary("publish messages to a topic")
    .description(
      "Publishes one message per line of standard input or, with --rate, --count or --size, generated ones. " +
        "Ends by saying how many the server accepted, and their offsets.",
    )
    .argument("<topic>", "dot-separated tokens without wildcards (prices.EURUSD)")
    .option("-a, --address <host:port>", "the server", serverAddress, DEFAULT_ADDRESS)
    .option("-k, --key <key>", "conflation key of every message")
    .option("-H, --header <name=value>", "a header of every message; may be repeated", header)
    .option(
      "--ttl <time>",
      "how long every message is worth sending (500ms, 30s, 5m) (default: for ever)",
      duration,
    )
    .option("--tombstone", "publish one message without content that deletes the key; needs --key")
    .option("-r, --rate <n>", "generate n messages per second (default: as fast as they are accepted)", rate)
    .option("-c, --count <n>", "generate n messages (default: until a signal)", wholeNumber("messages", 1))
    .option(
      "-s, --size <bytes>",
      `generate payloads of this size (default: ${DEFAULT_SIZE})`,
      wholeNumber("bytes", 0),
    )
    .addHelpText(
      "after",
      "\nSIGINT and SIGTERM: sends nothing more, waits for what was sent, says what was accepted, and exits with 0 if\n" +
        "nothing was left to publish or there was no end to it, else with 130 or 143. Exits with 1 if the server\n" +
        "cannot be reached within 5 s or refuses a message; 2 for a wrong command line.",
    )
    .action((topic: string, flags: PublishFlags) => publish(topic, flags));
}

async function publish(topic: string, flags: PublishFlags): Promise<void> {
  checkTopicArgument(topic);
  checkTombstone(flags);
  const stop = new AbortController();
  let stoppedBy: StopSignal | undefined;
  onStopSignal((signal) => {
    stoppedBy = signal;
    stop.abort();
  });
  const output = new Output(() => {});
  await using client = connect(flags.address, { connectTimeoutMs: CONNECT_TIMEOUT_MS });
  const publisher = client.publisher();
  // Also while standard input has nothing to say.
  void publisher.ended.then(() => stop.abort());
  const { key, header: headers, ttl, tombstone } = flags;
  const options = {
    ...(key === undefined ? {} : { key }),
    ...(headers === undefined ? {} : { headers }),
    ...(ttl === undefined ? {} : { ttlMs: ttl }),
    ...(tombstone === undefined ? {} : { tombstone }),
  };
  const { payloads, endless } = source(flags, stop.signal);
  const taken = payloads[Symbol.asyncIterator]();
  let complete = false;
  try {
    for (;;) {
      const next = await taken.next();
      complete = next.done === true && !stop.signal.aborted;
      if (next.done === true || stop.signal.aborted) break;
      await publisher.send(topic, next.value, options);
    }
    const summary = await publisher.finish();
    if (!complete && stoppedBy === undefined)
      throw new SpillwayError("ENDED", "the server ended the stream early");
    await output.line(summaryLine(summary));
  } catch (error) {
    throw withAccepted(error, publisher);
  }
  await output.flush();
  if (stoppedBy !== undefined && !complete && !endless) process.exitCode = exitCodeOf(stoppedBy);
}

function source(
  { rate, count, size, tombstone }: PublishFlags,
  signal: AbortSignal,
): { readonly payloads: AsyncIterable<Uint8Array>; readonly endless: boolean } {
  if (tombstone === true) {
    return { payloads: generate({ rate: undefined, count: 1, size: 0, signal }), endless: false };
  }
  if (rate === undefined && count === undefined && size === undefined) {
    return { payloads: lines(untilAborted(process.stdin, signal)), endless: false };
  }
  return {
    payloads: generate({ rate, count, size: size ?? DEFAULT_SIZE, signal }),
    endless: count === undefined,
  };
}

function checkTopicArgument(topic: string): void {
  try {
    checkTopic(topic);
  } catch (error) {
    throw error instanceof SpillwayError ? new UsageError(error.message, { cause: error }) : error;
  }
}

function checkTombstone({ tombstone, key, rate, count, size }: PublishFlags): void {
  if (tombstone === undefined) return;
  if (key === undefined) throw new UsageError("--tombstone says that a key is deleted: give it with --key");
  if (rate !== undefined || count !== undefined || size !== undefined) {
    throw new UsageError(
      "--tombstone is one message without content: it goes without --rate, --count and --size",
    );
  }
}

function summaryLine({ accepted, first, last }: PublishSummary): string {
  const messages = accepted === 1 ? "1 message" : `${accepted} messages`;
  if (first === undefined || last === undefined) return `accepted ${messages}`;
  return `accepted ${messages}, offsets ${first.offset}..${last.offset} of epoch ${last.epoch}`;
}

/** The error, and what had been accepted before it, in one sentence. */
function withAccepted(error: unknown, publisher: Publisher): unknown {
  if (!(error instanceof SpillwayError)) return error;
  const { acknowledged } = publisher;
  return new CommandError(`${error.message} (accepted before that: ${acknowledged})`, { cause: error });
}
