/**
 * What the commands for operators have in common: one server, a few questions, and one clear line when it has no answer.
 *
 * @module
 */
import { quote, SpillwayError } from "../errors.ts";
import {
  type AdminClient,
  type CallOptions,
  connect,
  type SubscriptionReport,
} from "../transport/grpc/client/index.ts";
import { CommandError, UsageError } from "./errors.ts";
import { CONNECT_TIMEOUT_MS } from "./subscribe.ts";
import { printable } from "./table.ts";

/** How long the server may take to answer. */
export const ANSWER_TIME: CallOptions = { timeoutMs: CONNECT_TIMEOUT_MS };

/**
 * @param missing - what to say of a server that does not have what is asked for
 * @throws CommandError saying that; what `ask` throws
 */
export async function askOperator<T>(
  address: string,
  ask: (admin: AdminClient) => Promise<T>,
  missing = noService(address),
): Promise<T> {
  await using client = connect(address);
  try {
    return await ask(client.admin);
  } catch (error) {
    if (!(error instanceof SpillwayError) || error.reason !== "UNIMPLEMENTED") throw error;
    throw new CommandError(missing, { cause: error });
  }
}

function noService(address: string): string {
  return (
    `the server at ${address} has no admin service: start it with spillway serve --admin, with admin: { enabled: true } ` +
    "in its configuration, or with serve(hub, { admin: {} }) in its code"
  );
}

/** Most ids to name when a prefix fits several. */
const MOST_NAMED = 5;

/**
 * The one subscription whose id begins so.
 *
 * @throws UsageError, CommandError
 */
export async function findOne(
  admin: AdminClient,
  prefix: string,
  windowMs: number | undefined,
): Promise<SubscriptionReport> {
  if (!/^[\da-f-]{1,36}$/.test(prefix)) {
    throw new UsageError(`expected an id as spillway ls shows it, or its beginning, got ${quote(prefix)}`);
  }
  const { total, subscriptions } = await admin.list({
    idPrefix: prefix,
    limit: MOST_NAMED,
    windowMs,
    ...ANSWER_TIME,
  });
  const [found] = subscriptions;
  if (found === undefined) {
    throw new CommandError(`there is no subscription with an id that begins with ${prefix}`);
  }
  if (total === 1) return found;
  const ids = subscriptions.map(({ id, clientName = "" }) => `${id} ${printable(clientName)}`.trimEnd());
  throw new CommandError(
    `${total} subscriptions have ids that begin with ${prefix}: ${ids.join(", ")}${total > ids.length ? ", …" : ""}; give more of it`,
  );
}
