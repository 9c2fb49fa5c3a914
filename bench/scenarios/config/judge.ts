/**
 * Whether a trial of a configuration means anything: every message must be in exactly one place of the hub's books, and
 * every client must have got what it was not told to be lost.
 *
 * Where newer messages take the place of older ones, clients are told how many only with the progress, and of losses where
 * they stand in line; both can come after the trial. What is missing there must then be in the hub's books. Where only the
 * latest message of each key is retained, nobody tells those who come back what was before it.
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
  const conflates = mayConflate(granted);
  const { expected, read, told, missing, undelivered, garbled, duplicated, reordered } = client;
  const { falselyTold, comebacks } = client;
  const sum = read + told + missing + undelivered;
  const atMost = conflates ? hub.conflated + hub.expired + sumOf(hub.dropped) : 0;
  const unexplained = isCompacted ? 0 : Math.max(0, missing - atMost);
  // A loss that was told just before the connection ended is told again behind the same position.
  const falsely = comebacks > 0 ? 0 : falselyTold;
  return [
    ...(sum === expected ? [] : [`${expected} messages were published for them, and ${sum} accounted for`]),
    ...fault(garbled, "got", "that were never published like that"),
    ...fault(unexplained, "missed", "without being told"),
    ...(conflates
      ? []
      : [
          ...fault(duplicated, "got", "twice"),
          ...fault(reordered, "got", "out of order"),
          ...fault(falsely, "were told of", "lost that were not"),
        ]),
  ];
}

function fault(count: number, verb: string, what: string): string[] {
  return count === 0 ? [] : [`they ${verb} ${count} message${count === 1 ? "" : "s"} ${what}`];
}

function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
