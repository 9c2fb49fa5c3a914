/** `spillway ls`. @module */
import { Command } from "commander";
import type { AdminClient, ListQuery, LiveState, SubscriptionList } from "../transport/grpc/client/index.ts";
import { ANSWER_TIME, askOperator, findOne } from "./admin-call.ts";
import { DEFAULT_ADDRESS, duration, oneOf, pattern, serverAddress, wholeNumber } from "./arguments.ts";
import { note, UsageError } from "./errors.ts";
import { Output } from "./output.ts";
import { describeSubscription, subscriptionTable } from "./subscription-lines.ts";
import { fitted } from "./table.ts";

const STATES: readonly LiveState[] = ["live", "catching-up", "parked", "draining"];

interface LsFlags {
  readonly address: string;
  readonly slow?: true;
  readonly state?: readonly LiveState[];
  readonly class?: string;
  readonly name?: string;
  readonly topic?: string;
  readonly limit?: number;
  readonly window?: number;
  /** `--no-rates`. */
  readonly rates: boolean;
  readonly watch?: true;
  readonly json?: true;
}

export function lsCommand(): Command {
  return new Command("ls")
    .summary("list the subscriptions of a server, the worst first")
    .description(
      "Lists subscriptions, the worst first: stalled ones (their write makes no progress), then slow ones (the queue is " +
        "above its watermark, or the subscriber is parked, or stands on a rung of the escalation), then the others; and " +
        "among those the ones that lag most. With an id: everything about that one.",
    )
    .argument("[id]", "only this subscription; the beginning is enough if no other id begins like it")
    .option("-a, --address <host:port>", "the server", serverAddress, DEFAULT_ADDRESS)
    .option("-s, --slow", "only those that are stalled or slow")
    .option(
      "--state <state>",
      `only those in this state: ${STATES.join(", ")}; may be repeated`,
      gatherStates,
    )
    .option("--class <class>", "only those in this class")
    .option("-n, --name <prefix>", "only those whose client's name begins like this")
    .option("-t, --topic <pattern>", "only those that get something of these topics", pattern)
    .option("-l, --limit <n>", "at most so many (default: 100)", wholeNumber("subscriptions", 1))
    .option("-w, --window <time>", "how long to look for the rates, up to 60s (default: 1s)", duration)
    .option("--no-rates", "do not look for rates, and answer at once")
    .option("--watch", "again and again, until a signal")
    .option("--json", "print one JSON object per subscription and line")
    .addHelpText(
      "after",
      "\nExits with 1 if the server cannot be reached within 5 s, refuses, or has no admin service; 2 for a wrong\n" +
        "command line.",
    )
    .action((id: string | undefined, flags: LsFlags) => ls(id, flags));
}

function gatherStates(value: string, before: readonly LiveState[] = []): readonly LiveState[] {
  return [...before, oneOf(STATES)(value)];
}

async function ls(id: string | undefined, flags: LsFlags): Promise<void> {
  if (flags.watch === true && (flags.json === true || !flags.rates || id !== undefined)) {
    throw new UsageError("--watch goes without an id, --json and --no-rates");
  }
  const output = new Output(() => process.exit());
  await askOperator(flags.address, async (admin) => {
    if (id !== undefined) await showOne(admin, id, flags, output);
    else if (flags.watch === true) await watch(admin, flags, output);
    else await list(admin, flags, output);
  });
  await output.flush();
}

async function showOne(admin: AdminClient, id: string, flags: LsFlags, output: Output): Promise<void> {
  const report = await findOne(admin, id, windowOf(flags));
  const lines = flags.json === true ? [JSON.stringify(report)] : describeSubscription(report);
  for (const line of lines) await output.line(line);
}

async function list(admin: AdminClient, flags: LsFlags, output: Output): Promise<void> {
  const found = await admin.list({ ...queryOf(flags), ...ANSWER_TIME });
  const { subscriptions } = found;
  if (flags.json === true) {
    for (const report of subscriptions) await output.line(JSON.stringify(report));
  } else if (subscriptions.length > 0) {
    for (const line of subscriptionTable(subscriptions)) await output.line(line);
  }
  const rest = describeRest(found);
  if (rest !== undefined) note(rest);
}

/** As many as fit on the screen, in place of those before. */
async function watch(admin: AdminClient, flags: LsFlags, output: Output): Promise<never> {
  const { columns, rows } = process.stdout;
  const screen = rows === undefined ? {} : { limit: Math.max(1, rows - 3) };
  for (;;) {
    const found = await admin.list({ ...screen, ...queryOf(flags), ...ANSWER_TIME });
    const lines = [
      ...(found.subscriptions.length === 0 ? [] : subscriptionTable(found.subscriptions)),
      describeRest(found) ?? "",
    ];
    if (rows === undefined) {
      for (const line of lines) await output.line(line);
    } else {
      // Home, each line and nothing of the old one behind it, and nothing of the old screen below.
      const drawn = lines.map((line) => `${fitted(line, columns)}\u001b[K`);
      await output.line(`\u001b[H${drawn.join("\n")}\u001b[J`);
    }
  }
}

function describeRest({ total, subscriptions }: SubscriptionList): string | undefined {
  if (total === 0) return "no subscriptions";
  if (total === subscriptions.length) return undefined;
  return `the worst ${subscriptions.length} of ${total}; --limit shows more`;
}

function queryOf(flags: LsFlags): ListQuery {
  const { slow, state: states, class: name, name: clientNamePrefix, topic: topicPattern, limit } = flags;
  return {
    ...(slow === true ? { health: ["stalled", "slow"] } : {}),
    ...(limit === undefined ? {} : { limit }),
    states,
    class: name,
    clientNamePrefix,
    topicPattern,
    windowMs: windowOf(flags),
  };
}

/** In whole milliseconds; `undefined`: as the server says. */
function windowOf({ rates, window }: LsFlags): number | undefined {
  if (!rates) return 0;
  return window === undefined ? undefined : Math.ceil(window);
}
