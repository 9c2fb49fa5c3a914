/** A client process: clients of one or several kinds, and what they saw. @module */
import { setTimeout as delay } from "node:timers/promises";
import type { ClientFigures } from "../../config-results.ts";
import { serveParent } from "../../harness/child.ts";
import { Feed } from "./feed.ts";
import { KindWitness } from "./kind-witness.ts";
import type { FromClient, ToClient } from "./messages.ts";
import { Subscriber } from "./subscriber.ts";

/** How often it is looked whether everything has come. */
const LOOK_MS = 10;

const witnesses = new Map<string, KindWitness>();
const subscribers: Subscriber[] = [];

serveParent<ToClient, FromClient>(async (request) => {
  switch (request.type) {
    case "subscribe": {
      const { address, load, plans } = request;
      for (const plan of plans) {
        const witness = new KindWitness(new Feed(load, plan.topic));
        witnesses.set(plan.kind, witness);
        for (let left = plan.count; left > 0; left--)
          subscribers.push(new Subscriber(address, load, plan, witness));
      }
      await Promise.all(subscribers.map((subscriber) => subscriber.come()));
      return { type: "subscribed" };
    }
    case "begin":
      for (const witness of witnesses.values()) witness.begin(request.measured);
      for (const subscriber of subscribers) subscriber.begin(request.measured.startNanos);
      return { type: "begun" };
    case "finish": {
      await Promise.all(subscribers.map((subscriber) => subscriber.settled()));
      await allThere(request.limitMs);
      const kinds: Record<string, ClientFigures> = {};
      for (const [kind, witness] of witnesses) kinds[kind] = witness.close();
      return { type: "report", kinds };
    }
  }
});

async function allThere(limitMs: number): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (performance.now() < deadline && [...witnesses.values()].some(({ outstanding }) => outstanding > 0))
    await delay(LOOK_MS);
}
