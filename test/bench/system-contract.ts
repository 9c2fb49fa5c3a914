/**
 * What every system must do to be measured, whoever wrote it: a suite for one system, and what it needs to ask one.
 *
 * @module
 */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { ClientSubscription, Listener, RunningServer, Settings, System } from "../../bench/system.ts";

/** How long anything may take that does not depend on the machine, in milliseconds: a limit, not a wait. */
const PATIENCE_MS = 20_000;

/** What a system may be, or not. */
export interface Nature {
  /** One who does not read makes the others wait; that is what it is there to show. */
  readonly waitsForTheSlow?: boolean;
}

/** Keeps what one subscriber got, and lets a test wait for it. */
export class Reader implements Listener {
  readonly payloads: Buffer[] = [];
  lostCount = 0;
  readonly endings: string[] = [];
  #waiting: (() => void) | undefined;

  message(payload: Uint8Array): void {
    this.payloads.push(Buffer.from(payload));
    this.#waiting?.();
  }

  lost(count: number | undefined): void {
    this.lostCount += count ?? Number.NaN;
    this.#waiting?.();
  }

  ended(reason: string): void {
    this.endings.push(reason);
    this.#waiting?.();
  }

  has(count: number): Promise<void> {
    return this.until(
      () => this.payloads.length >= count,
      () => `${this.payloads.length} of ${count} messages`,
    );
  }

  until(reached: () => boolean, state: () => string): Promise<void> {
    return inTime(this.#wait(reached), state);
  }

  async #wait(reached: () => boolean): Promise<void> {
    while (!reached()) {
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
  }
}

async function inTime(promise: Promise<void>, state: () => string): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`after ${PATIENCE_MS} ms: ${state()}`)), PATIENCE_MS);
  });
  await Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Different in length and content, the smallest that the benchmark has and larger ones than a chunk. */
export function payloads(count: number, bytes?: number): Buffer[] {
  return Array.from({ length: count }, (_, sequence) => {
    const payload = Buffer.alloc(bytes ?? 16 + ((sequence * 37) % 3_000), sequence % 251);
    payload.writeBigUInt64LE(process.hrtime.bigint(), 0);
    payload.writeUInt32LE(sequence, 8);
    return payload;
  });
}

export async function started(
  t: TestContext,
  system: System,
  settings: Settings = {},
): Promise<RunningServer> {
  const server = await system.start(settings);
  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= server.stop();
    return stopping;
  };
  t.after(stop);
  return { ...server, stop };
}

export async function reading(
  t: TestContext,
  subscribe: (address: string, listener: Listener) => Promise<ClientSubscription>,
  server: RunningServer,
): Promise<{ reader: Reader; subscription: ClientSubscription }> {
  const reader = new Reader();
  const subscription = await subscribe(server.address, reader);
  t.after(() => subscription.close());
  return { reader, subscription };
}

/**
 * Waits until nothing has come for a while. That nothing more will come can only be seen by giving it time: on a slow
 * machine it may be too little, and then a fault is missed, but none is seen that is not there.
 */
async function standstill({ payloads: received }: Reader): Promise<void> {
  let before: number;
  do {
    before = received.length;
    await new Promise((resolve) => setTimeout(resolve, 100));
  } while (received.length > before);
}

/** A slow client swallows all that fits into its own buffers and the kernel's before anybody notices. */
const MORE_THAN_BUFFERS_HOLD = { messages: 200, bytes: 64 * 1024 };

/** For those that drop: what is published in one turn of the event loop waits, however willing the reader is. */
const HOLDS_ALL: Settings = { queue: { messages: 1_024, bytes: 1024 * 1024 } };

export function fulfilsTheContract(system: System, nature: Nature = {}): void {
  describe(system.name, () => {
    const ways = Object.entries({ subscribe: system.subscribe, subscribeRaw: system.subscribeRaw });
    for (const [way, subscribe] of ways) {
      if (subscribe === undefined) continue;
      it(`gives each subscriber all payloads, byte for byte and in order, by ${way}`, async (t) => {
        const server = await started(t, system, HOLDS_ALL);
        const readers = await Promise.all([1, 2, 3].map(() => reading(t, subscribe, server)));
        const sent = payloads(200);
        for (const payload of sent) server.publish(payload);
        for (const { reader } of readers) {
          await reader.has(sent.length);
          assert.deepEqual(reader.payloads, sent);
          assert.deepEqual(reader.endings, []);
        }
      });
    }

    it("goes on for the others when one subscriber closes, and tells that one nothing", async (t) => {
      const server = await started(t, system);
      const [leaving, staying] = [
        await reading(t, system.subscribe, server),
        await reading(t, system.subscribe, server),
      ];
      const sent = payloads(100);
      for (const payload of sent.slice(0, 50)) server.publish(payload);
      await Promise.all([leaving.reader.has(50), staying.reader.has(50)]);
      leaving.subscription.close();
      for (const payload of sent.slice(50)) server.publish(payload);
      await staying.reader.has(100);
      assert.deepEqual(staying.reader.payloads, sent);
      assert.equal(leaving.reader.payloads.length, 50);
      assert.deepEqual(leaving.reader.endings, []);
    });

    it("refuses to subscribe where no server is any more", async (t) => {
      const server = await started(t, system);
      await server.stop();
      const reader = new Reader();
      for (const [, subscribe] of ways) {
        if (subscribe !== undefined) await assert.rejects(subscribe(server.address, reader), Error);
      }
      if (system.subscribeWithoutWindow !== undefined) {
        await assert.rejects(system.subscribeWithoutWindow(server.address), Error);
      }
      assert.deepEqual(reader.endings, []);
    });

    const { messages, bytes } = MORE_THAN_BUFFERS_HOLD;
    const slowSettings = { queue: { messages: 1024, bytes: 64 * 1024 * 1024 } };

    it("stops soon, though one subscriber does not read, and tells it the others", async (t) => {
      const server = await started(t, system, slowSettings);
      const { reader } = await reading(t, system.subscribe, server);
      const slow = await reading(t, system.subscribe, server);
      slow.subscription.pause();
      for (const payload of payloads(messages, bytes)) server.publish(payload);
      await reader.has(1);
      await inTime(server.stop(), () => "it has not stopped");
      await reader.until(
        () => reader.endings.length > 0,
        () => "it was told nothing",
      );
      assert.equal(reader.endings.length, 1);
      assert.notEqual(reader.endings[0], "");
    });

    if (system.subscribeShared !== undefined) {
      it("serves several subscribers on one connection, and the rest when one closes", async (t) => {
        const server = await started(t, system);
        const readers = [new Reader(), new Reader(), new Reader()];
        const subscriptions = await system.subscribeShared!(server.address, readers);
        t.after(() => subscriptions.forEach((subscription) => void subscription.close()));
        const sent = payloads(20);
        for (const payload of sent.slice(0, 10)) server.publish(payload);
        for (const reader of readers) await reader.has(10);
        subscriptions[0]!.close();
        for (const payload of sent.slice(10)) server.publish(payload);
        for (const reader of readers.slice(1)) {
          await reader.has(20);
          assert.deepEqual(reader.payloads, sent);
        }
        assert.equal(readers[0]!.payloads.length, 10);
      });
    }

    if (nature.waitsForTheSlow === true) {
      it("makes everybody wait for those who do not read, until they read or are gone", async (t) => {
        const server = await started(t, system, slowSettings);
        const [resuming, leaving, healthy] = [
          await reading(t, system.subscribe, server),
          await reading(t, system.subscribe, server),
          await reading(t, system.subscribe, server),
        ];
        resuming.subscription.pause();
        leaving.subscription.pause();
        const sent = payloads(messages, bytes);
        for (const payload of sent) server.publish(payload);
        for (const goOn of [() => resuming.subscription.resume(), () => leaving.subscription.close()]) {
          await standstill(healthy.reader);
          assert.ok(healthy.reader.payloads.length < messages, "the healthy one has everything");
          goOn();
        }
        await Promise.all([healthy.reader.has(messages), resuming.reader.has(messages)]);
        assert.deepEqual(healthy.reader.payloads, sent);
      });
    } else {
      it("gives the others everything while one subscriber does not read", async (t) => {
        const server = await started(t, system, slowSettings);
        const slow = await reading(t, system.subscribe, server);
        const healthy = await reading(t, system.subscribe, server);
        slow.subscription.pause();
        // In portions: how much a burst may hold is not the question.
        const sent = payloads(messages, bytes);
        for (let from = 0; from < messages; from += 20) {
          for (const payload of sent.slice(from, from + 20)) server.publish(payload);
          await healthy.reader.has(Math.min(from + 20, messages));
        }
        assert.deepEqual(healthy.reader.payloads, sent);
        assert.ok(slow.reader.payloads.length < messages, "the slow one has everything");
        slow.subscription.close();
      });
    }

    if (system.subscribeWithoutWindow !== undefined && nature.waitsForTheSlow !== true) {
      it("gives the others everything beside one that grants no window", async (t) => {
        const server = await started(t, system, slowSettings);
        const windowless = await system.subscribeWithoutWindow!(server.address);
        const healthy = await reading(t, system.subscribe, server);
        const sent = payloads(100);
        for (const payload of sent) server.publish(payload);
        await healthy.reader.has(sent.length);
        assert.deepEqual(healthy.reader.payloads, sent);
        windowless.close();
      });
    }
  });
}
