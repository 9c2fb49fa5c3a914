/**
 * How subscribers of each kind behave. They differ in when they read and when they leave, never in how they subscribe, but
 * for the one without a window.
 *
 * @module
 */
import { setTimeout as delay } from "node:timers/promises";
import type { ClientSubscription, Listener, System } from "../system.ts";
import { Unavailable } from "./child.ts";
import type { Behaviour, Subscribers } from "./messages.ts";
import type { Witness } from "./witness.ts";

/** How long a subscriber stays that comes and goes. */
const STAY_MS = 500;

/** New connections at a time: more only wait in the server's backlog. */
const CONNECTING_AT_ONCE = 50;

/** Resolves when all of them are live. @throws Unavailable */
export async function subscribeAll(
  system: System,
  address: string,
  subscribers: Subscribers,
  witness: Witness,
): Promise<void> {
  const { count, behaviour, perConnection } = subscribers;
  if (perConnection > 1) return subscribeOnShared(system, address, subscribers, witness);
  const begin = beginnings[behaviour];
  let next = 0;
  await Promise.all(
    Array.from({ length: Math.min(count, CONNECTING_AT_ONCE) }, async () => {
      while (next < count) await begin({ system, address, subscribers, witness, index: next++ });
    }),
  );
}

interface Place {
  readonly system: System;
  readonly address: string;
  readonly subscribers: Subscribers;
  readonly witness: Witness;
  /** Among those of its kind. */
  readonly index: number;
}

type Begin = (place: Place) => Promise<void>;

const reading: Begin = async (place) => {
  await open(place, place.witness.listener());
};

const beginnings: Record<Behaviour, Begin> = {
  healthy: reading,
  draining: reading,
  // The orchestrator stops its process.
  sigstop: reading,

  delayed: async (place) => {
    await openAnd(place, "books", (subscription) => {
      subscription.pause();
      setTimeout(() => subscription.resume(), place.subscribers.delayMs);
    });
  },

  // It reads one message first: a gRPC client that has never read anything takes everything into its memory.
  paused: async (place) => {
    await openAnd(place, "books", (subscription) => subscription.pause());
  },

  "window-0": async ({ system, address }) => {
    if (system.subscribeWithoutWindow === undefined) {
      throw new Unavailable(`${system.name} has no subscriber without a flow-control window`);
    }
    await system.subscribeWithoutWindow(address);
  },

  churning: churn,

  "draining-reconnecting": (place) => comeAndGo(place, () => open(place, place.witness.counter())),

  // In so short a stay, a window as wide as usual would not fill: whoever has none is stalled from the beginning.
  reconnecting: (place) =>
    comeAndGo(place, async () => {
      const { system, address } = place;
      if (system.subscribeWithoutWindow !== undefined) return system.subscribeWithoutWindow(address);
      return openAnd(place, "count", (subscription) => subscription.pause());
    }),
};

/** One place of the churn: who subscribes in it leaves again when the next is due. */
async function churn(place: Place): Promise<void> {
  const { count, churnPerSecond } = place.subscribers;
  const stayMs = (count / churnPerSecond) * 1_000;
  void (async () => {
    await delay((place.index / count) * stayMs);
    for (;;) {
      const leaving = delay(stayMs);
      const subscription = await open(place, place.witness.counter());
      await leaving;
      subscription.close();
    }
  })();
}

/** Comes back on a new connection again and again, each subscriber at a time of its own. */
async function comeAndGo(
  { index, subscribers }: Place,
  come: () => Promise<ClientSubscription>,
): Promise<void> {
  let subscription = await come();
  void (async () => {
    await delay((index / subscribers.count) * STAY_MS);
    for (;;) {
      await delay(STAY_MS);
      subscription.close();
      subscription = await come();
    }
  })();
}

/** @param onMessage - called for every message, but not before there is a subscription to call it with */
async function openAnd(
  place: Place,
  kept: "books" | "count",
  onMessage: (subscription: ClientSubscription) => void,
): Promise<ClientSubscription> {
  let subscription: ClientSubscription | undefined;
  let early = false;
  const hook = (): void => {
    if (subscription === undefined) early = true;
    else onMessage(subscription);
  };
  const { witness } = place;
  subscription = await open(place, kept === "books" ? witness.listener(hook) : witness.counter(hook));
  if (early) onMessage(subscription);
  return subscription;
}

function open({ system, address, subscribers }: Place, listener: Listener): Promise<ClientSubscription> {
  return subscribers.raw && system.subscribeRaw !== undefined
    ? system.subscribeRaw(address, listener)
    : system.subscribe(address, listener);
}

async function subscribeOnShared(
  system: System,
  address: string,
  { behaviour, count, perConnection, slowAmong }: Subscribers,
  witness: Witness,
): Promise<void> {
  if (system.subscribeShared === undefined) {
    throw new Unavailable(`${system.name} cannot have several subscribers on one connection`);
  }
  if (!SHARING.has(behaviour)) {
    throw new Unavailable(`subscribers of the kind ${behaviour} have connections of their own`);
  }
  for (let left = count; left > 0; left -= perConnection) {
    const listeners = Array.from({ length: Math.min(left, perConnection) }, () => witness.listener());
    if (left === count) await subscribeWithSlow(system, address, listeners, slowAmong, witness);
    else await system.subscribeShared(address, listeners);
  }
}

const SHARING = new Set<Behaviour>(["healthy", "draining", "sigstop"]);

/** Beside the listeners, so many others that read one message and no more. */
async function subscribeWithSlow(
  system: System,
  address: string,
  listeners: readonly Listener[],
  slow: number,
  witness: Witness,
): Promise<void> {
  const slowOnes: ClientSubscription[] = [];
  const stop = (index: number) => () => slowOnes[index]?.pause();
  const slowListeners = Array.from({ length: slow }, (_, index) => witness.counter(stop(index)));
  const all = await system.subscribeShared!(address, [...slowListeners, ...listeners]);
  slowOnes.push(...all.slice(0, slow));
}
