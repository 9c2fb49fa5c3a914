/**
 * The client process of the storm: all of its subscribers lose their connections at once, and all come back with their
 * positions half a second later. In place of the usual client process; it answers the same requests.
 *
 * @module
 */
import { setTimeout as delay } from "node:timers/promises";
import { serveParent } from "../../harness/child.ts";
import { NANOS_PER_MS, nowNanos } from "../../harness/clock.ts";
import type { FromClient, ToClient } from "../../harness/messages.ts";
import { Witness } from "../../harness/witness.ts";
import { ResumableSubscriber } from "./resumable.ts";

const LEAVE_AFTER_MS = 1_000;
const AWAY_MS = 500;
const COMING_AT_ONCE = 50;

const witness = new Witness();
let subscribers: readonly ResumableSubscriber[] = [];
let storm: Promise<void> | undefined;
let resumedAfterMs = 0;

serveParent<ToClient, FromClient>(async (request) => {
  switch (request.type) {
    case "subscribe": {
      const { address } = request;
      subscribers = Array.from(
        { length: request.subscribers.count },
        () => new ResumableSubscriber(address, witness.listener()),
      );
      await comeAll();
      return { type: "subscribed" };
    }
    case "settle":
      return { type: "settled", behind: await witness.settled(request.warmUp, request.limitMs) };
    case "begin":
      witness.begin(request.measured, request.warmUp);
      storm = leaveAndComeBack(request.measured.startNanos);
      return { type: "begun" };
    case "finish": {
      await storm;
      const report = await witness.finish(request.limitMs);
      return { type: "report", report: { ...report, extra: { resumedAfterMs } } };
    }
  }
});

async function leaveAndComeBack(startNanos: number): Promise<void> {
  await delay((startNanos - nowNanos()) / NANOS_PER_MS + LEAVE_AFTER_MS);
  for (const subscriber of subscribers) subscriber.leave();
  await delay(AWAY_MS);
  const comingNanos = nowNanos();
  await comeAll();
  resumedAfterMs = (nowNanos() - comingNanos) / NANOS_PER_MS;
}

async function comeAll(): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: Math.min(COMING_AT_ONCE, subscribers.length) }, async () => {
      while (next < subscribers.length) await subscribers[next++]!.come();
    }),
  );
}
