/**
 * Whether a trial of a configuration means anything: every message must be in exactly one place of the hub's books, and
 * every client must have got what it was not told to be lost.
 *
 * Where newer messages take the place of older ones, a later message can come before an earlier one, and how many were
 * replaced is told with the progress, perhaps after the trial; there the hub's books alone must do. Where only the latest
 * message of each key is retained, nobody tells those who come back what was before it.
 *
 * @module
 */
import type { ClientFigures } from "../../config-results.ts";
import type { ServedKind, ServerMeasurements } from "./messages.ts";
import { mayConflate } from "./treatment.ts";

export function problemsOf(
  { balanced, kinds }: Pick<ServerMeasurements, "balanced" | "kinds">,
  clients: Readonly<Record<string, ClientFigures>>,
  isCompacted: (topic: string) => boolean,
): readonly string[] {
  const problems = balanced ? [] : ["the books of the hub do not balance"];
  for (const [kind, client] of Object.entries(clients)) {
    const served = kinds[kind];
    if (served === undefined) problems.push(`${kind}: the hub knows nothing of them`);
    else
      problems.push(
        ...faultsOf(client, served, isCompacted(served.granted.topic)).map((fault) => `${kind}: ${fault}`),
      );
  }
  return problems;
}

function faultsOf(client: ClientFigures, { hub, granted }: ServedKind, isCompacted: boolean): string[] {
  const { expected, read, told, missing, undelivered, garbled, comebacks } = client;
  const accounted = read + told + missing + undelivered;
  // What was in flight when a subscription ended can have arrived.
  const sent = hub.delivered + hub.waiting + hub.discarded;
  const always = [
    ...(accounted === expected
      ? []
      : [`${expected} messages were published for them, and ${accounted} accounted for`]),
    ...fault(garbled, "got", "that were never published like that"),
    ...fault(Math.max(0, read - sent), "got", "that the hub has not sent"),
  ];
  if (mayConflate(granted)) return always;
  return [
    ...always,
    ...fault(isCompacted ? 0 : missing, "missed", "without being told"),
    ...fault(client.duplicated, "got", "twice"),
    ...fault(client.reordered, "got", "out of order"),
    // A loss that was told just before the connection ended is told again behind the same position.
    ...fault(comebacks > 0 ? 0 : client.falselyTold, "were told of", "lost that were not"),
  ];
}

function fault(count: number, verb: string, what: string): string[] {
  return count === 0 ? [] : [`they ${verb} ${count} message${count === 1 ? "" : "s"} ${what}`];
}
