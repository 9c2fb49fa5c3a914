/** `spillway evict`. @module */
import { Command } from "commander";
import { ANSWER_TIME, askOperator, findOne } from "./admin-call.ts";
import { DEFAULT_ADDRESS, serverAddress } from "./arguments.ts";
import { Output } from "./output.ts";
import { printable } from "./table.ts";
import { shortBytes } from "./units.ts";

interface EvictFlags {
  readonly address: string;
  readonly detail?: string;
}

export function evictCommand(): Command {
  return new Command("evict")
    .summary("end one subscription, to protect the others")
    .description(
      "Ends a subscription: what was queued for it is thrown away, and its client is told to come back in a moment. " +
        "It goes on behind what it has read, as far as the server retains that. This is no ban: whoever must not come " +
        "back is refused by the server's authorize hook.",
    )
    .argument("<id>", "as spillway ls shows it; the beginning is enough if no other id begins like it")
    .option("-a, --address <host:port>", "the server", serverAddress, DEFAULT_ADDRESS)
    .option("-d, --detail <text>", "one sentence for the client, at most 256 characters")
    .addHelpText(
      "after",
      "\nExits with 1 if there is no such subscription, or the server cannot be reached within 5 s, refuses, or has no\n" +
        "admin service; 2 for a wrong command line.",
    )
    .action((id: string, flags: EvictFlags) => evict(id, flags));
}

async function evict(prefix: string, { address, detail }: EvictFlags): Promise<void> {
  const { id, clientName, queued, queuedBytes } = await askOperator(address, async (admin) => {
    const found = await findOne(admin, prefix, 0);
    return await admin.evict(found.id, { ...(detail === undefined ? {} : { detail }), ...ANSWER_TIME });
  });
  const output = new Output(() => {});
  const name = clientName === undefined ? "" : ` (${printable(clientName)})`;
  const messages = queued === 1 ? "1 message was" : `${queued} messages were`;
  await output.line(`evicted ${id}${name}: ${messages} waiting for it, ${shortBytes(queuedBytes)}`);
  await output.flush();
}
