/** What happens in the demo, in order. @module */
import { setTimeout as wait } from "node:timers/promises";
import type { SubscriptionStats } from "../../src/fanout/index.ts";
import { Control } from "./control.ts";
import type { Crew, Member } from "./crew.ts";
import { Schedule } from "./load.ts";
import { watchMachine } from "./machine.ts";
import type { FromClient, FromServer, FullReport, PostReport, ToClient, ToServer } from "./messages.ts";
import {
  AGAIN_BEFORE_MS,
  BEFORE_MS,
  FROZEN_AT_MOST_MS,
  FROZEN_CLIENT_NAME,
  FROZEN_MS,
  LAST_MESSAGE_WITHIN_MS,
  MESSAGES_PER_SECOND,
  POST_CLIENTS,
  RECOVERY_MS,
  SETTLE_AT_MOST_MS,
  SETTLE_MS,
  WARM_UP_MESSAGES_PER_SECOND,
  WARM_UP_MS,
} from "./plan.ts";
import { Scene } from "./scene.ts";
import type { Screen } from "./screen.ts";
import { disturbed, droppedOf, type Evidence, type Trial } from "./verdict.ts";

type Client<Report> = Member<ToClient, FromClient<Report>>;

/**
 * Plays it and brings the evidence back.
 *
 * @throws the signal's reason
 */
export async function play(crew: Crew, screen: Screen, signal: AbortSignal): Promise<Evidence> {
  const scene = new Scene(screen);
  const control = new Control(crew);
  let stopWatching = (): void => {};
  try {
    const server = crew.fork<ToServer, FromServer>("the server", "server");
    server.on("stats", ({ subscriptions }) => scene.serverSees(subscriptions));
    const { address } = await server.next("ready", signal);
    scene.address = address;
    stopWatching = watchMachine(address, (name, reading) => scene.machineReads(name, reading));

    const post = Array.from({ length: POST_CLIENTS }, (_, index) => {
      const id = index + 1;
      return crew.fork<ToClient, FromClient<PostReport>>(`client ${id}`, "post-client", [address, `${id}`]);
    });
    const full = crew.fork<ToClient, FromClient<FullReport>>(FROZEN_CLIENT_NAME, "full-client", [address]);
    // Should the demo be killed while this one is stopped, it could not notice.
    server.send({ type: "guard", pid: full.pid });
    [...post, full].forEach((client, index) => {
      client.on("received", ({ count }) => scene.clientCounts(index + 1, count));
    });
    await Promise.all([...post, full].map((client) => client.next("live", signal)));

    await pace(server, WARM_UP_MESSAGES_PER_SECOND, signal);
    scene.enter("warm-up");
    await wait(WARM_UP_MS, undefined, { signal });
    const schedule = await pace(server, MESSAGES_PER_SECOND, signal);
    await until(server, [SETTLE_MS, SETTLE_AT_MOST_MS], queuesAreEmpty, signal);

    const trials = [await freeze()];
    while (trials.every(disturbed) && scene.elapsedMs < AGAIN_BEFORE_MS) trials.push(await freeze());

    const stopped = server.next("load-stopped", signal);
    server.send({ type: "stop-load" });
    const { count } = await stopped;
    const [reports, fullReport] = await Promise.all([
      Promise.all(post.map((client) => reportOf(client, count, signal))),
      reportOf(full, count, signal),
    ]);
    const books = server.next("report", signal);
    server.send({ type: "report" });
    const { offsets, subscriptions, hub } = await books;
    scene.serverSees(subscriptions);
    scene.enter("done");
    const booksOf = (name: string): SubscriptionStats | undefined =>
      subscriptions.find(({ clientName }) => clientName === name);
    return {
      offsets,
      trials,
      post: reports.map((report, index) => ({ id: index + 1, report, books: booksOf(`${index + 1}`) })),
      full: { report: fullReport, books: booksOf(FROZEN_CLIENT_NAME) },
      hub,
    };

    async function freeze(): Promise<Trial> {
      const beforeNs = scene.enter("before");
      await wait(BEFORE_MS, undefined, { signal });
      full.freeze();
      const frozenNs = scene.enter("frozen");
      await until(server, [FROZEN_MS, FROZEN_AT_MOST_MS], frozenOneLost, signal);
      const thawedNs = scene.enter("recovery");
      full.thaw();
      await wait(RECOVERY_MS, undefined, { signal });
      return {
        before: { from: schedule.firstDueAt(beforeNs), to: schedule.firstDueAt(frozenNs) },
        frozen: { from: schedule.firstDueAt(frozenNs), to: schedule.firstDueAt(thawedNs) },
        frozenMs: Number(thawedNs - frozenNs) / 1e6,
        control: { before: control.between(beforeNs, frozenNs), frozen: control.between(frozenNs, thawedNs) },
      };
    }
  } finally {
    stopWatching();
    scene.close();
  }
}

async function pace(
  server: Member<ToServer, FromServer>,
  messagesPerSecond: number,
  signal: AbortSignal,
): Promise<Schedule> {
  const answer = server.next("load-paced", signal);
  server.send({ type: "pace-load", messagesPerSecond });
  const { firstSequence, startNs } = await answer;
  return new Schedule(firstSequence, startNs, messagesPerSecond);
}

/** As long as planned, and on until the server's statistics have said so once; at most so long. */
async function until(
  server: Member<ToServer, FromServer>,
  [atLeastMs, atMostMs]: readonly [number, number],
  condition: (subscriptions: readonly SubscriptionStats[]) => boolean,
  signal: AbortSignal,
): Promise<void> {
  const enough = AbortSignal.any([signal, AbortSignal.timeout(atMostMs)]);
  const said = async (): Promise<void> => {
    try {
      while (!condition((await server.next("stats", enough)).subscriptions));
    } catch {
      // What it was not long enough for is for the verdict to find.
      signal.throwIfAborted();
    }
  };
  await Promise.all([wait(atLeastMs, undefined, { signal }), said()]);
}

function queuesAreEmpty(subscriptions: readonly SubscriptionStats[]): boolean {
  return subscriptions.every(({ queued }) => queued <= 1);
}

function frozenOneLost(subscriptions: readonly SubscriptionStats[]): boolean {
  return subscriptions.some((stats) => stats.clientName === FROZEN_CLIENT_NAME && droppedOf(stats) > 0);
}

async function reportOf<Report>(
  client: Client<Report>,
  through: number,
  signal: AbortSignal,
): Promise<Report> {
  const answer = client.next("report", signal);
  client.send({ type: "report", through, withinMs: LAST_MESSAGE_WITHIN_MS });
  return (await answer).report;
}
