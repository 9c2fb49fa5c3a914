/**
 * The server process of a configuration's trial: a hub and a server made of the configuration as it is, but for the address,
 * and the publisher beside them.
 *
 * @module
 */

import { Hub, type SpillwayServer, serve } from "../../../src/index.ts";
import type { ConfigLoad } from "../../config-results.ts";
import { serveParent } from "../../harness/child.ts";
import { NANOS_PER_MICRO, nowNanos } from "../../harness/clock.ts";
import { Histogram } from "../../harness/histogram.ts";
import { Metronome } from "../../harness/metronome.ts";
import { publishBySchedule } from "../../harness/publisher.ts";
import { ServerMeter } from "../../harness/server-meter.ts";
import { payloadMaker, WARM_UP } from "../../harness/stamp.ts";
import { keyName, scheduleOf } from "./feed.ts";
import { believe } from "./guises.ts";
import { Ledger } from "./ledger.ts";
import type { FromServer, ServedKind, ServerMeasurements, ToServer } from "./messages.ts";

const WARM_UP_SECONDS = 0.5;
/** How long everybody may take to get the warm-up. */
const SETTLE_MS = 2_000;
const LOOK_MS = 50;
const LOOP_RESOLUTION_MS = 10;
const MEMORY_EVERY_MS = 100;

const metronome = await Metronome.start();
let running: Running | undefined;

class Running {
  readonly #load: ConfigLoad;
  readonly #hub: Hub;
  readonly #server: SpillwayServer;
  readonly #ledger: Ledger;
  readonly #publish = new Histogram();
  readonly #lateness = new Histogram();
  #meter: ServerMeter | undefined;
  #looking: NodeJS.Timeout | undefined;
  #publishes = 0;
  #askedToWait = 0;

  static async start({ hub: config, server, load }: Extract<ToServer, { type: "start" }>): Promise<Running> {
    const hub = new Hub({ ...config, authorize: believe });
    const ledger = new Ledger(hub);
    return new Running(load, hub, await serve(hub, { ...server, listen: "127.0.0.1:0" }), ledger);
  }

  private constructor(load: ConfigLoad, hub: Hub, server: SpillwayServer, ledger: Ledger) {
    this.#load = load;
    this.#hub = hub;
    this.#server = server;
    this.#ledger = ledger;
  }

  get address(): string {
    return this.#server.address;
  }

  /** How many messages each topic got. */
  async warmUp(): Promise<number> {
    const { topics, payloadBytes } = this.#load;
    const payload = payloadMaker(payloadBytes);
    const schedule = scheduleOf({ ...this.#load, seconds: WARM_UP_SECONDS });
    await publishBySchedule(schedule, nowNanos(), metronome, {
      publish: (sequence, intendedNanos) => void this.#send(sequence, payload(intendedNanos, WARM_UP)),
    });
    await this.#settle();
    return schedule.messages / topics.length;
  }

  begin(startNanos: number): void {
    globalThis.gc?.();
    this.#ledger.begin();
    this.#meter = new ServerMeter(
      { address: this.address, publish: () => {}, stop: async () => {} },
      LOOP_RESOLUTION_MS,
      MEMORY_EVERY_MS,
    );
    this.#looking = setInterval(() => this.#ledger.look(), LOOK_MS);
    void this.#run(startNanos);
  }

  finish(): ServerMeasurements {
    clearInterval(this.#looking);
    this.#ledger.look();
    const { rssBytes, heapBytes, cpuMicros, seconds, loopDelay } = this.#meter!.stop();
    const kinds: Record<string, ServedKind> = {};
    for (const [kind, hub] of this.#ledger.books()) {
      kinds[kind] = { hub, granted: this.#ledger.grantedTo(kind) };
    }
    return {
      balanced: this.#ledger.balanced,
      kinds,
      server: {
        rssBytes,
        heapBytes,
        cpuMicros,
        seconds,
        loopDelay,
        queuedBytesPeak: this.#ledger.queuedBytesPeak,
        retainedBytesPeak: this.#ledger.retainedBytesPeak,
        publishes: this.#publishes,
        askedToWait: this.#askedToWait,
        publish: this.#publish.data(),
        lateness: this.#lateness.data(),
      },
    };
  }

  async stop(): Promise<void> {
    this.#ledger.stop();
    await this.#server.close();
  }

  async #run(startNanos: number): Promise<void> {
    const payload = payloadMaker(this.#load.payloadBytes);
    const schedule = scheduleOf(this.#load);
    await publishBySchedule(schedule, startNanos, metronome, {
      late: (nanos) => this.#lateness.recordNanos(nanos),
      publish: (sequence, intendedNanos) => {
        const message = payload(intendedNanos, sequence);
        const before = nowNanos();
        const writable = this.#send(sequence, message);
        this.#publish.recordMicros((nowNanos() - before) / NANOS_PER_MICRO);
        this.#publishes++;
        if (!writable) this.#askedToWait++;
      },
    });
    // The last message is due before the last interval is over.
    await metronome.waitUntil(startNanos + schedule.durationNanos);
    send({ type: "published" });
  }

  /** Whether the hub would take more. */
  #send(sequence: number, payload: Uint8Array): boolean {
    const { topics, keys } = this.#load;
    const topic = topics[sequence % topics.length]!;
    return this.#hub.publish(topic, payload, { key: keyName(Math.floor(sequence / topics.length), keys) })
      .writable;
  }

  /** Until nothing waits any more, or the limit has come. */
  async #settle(): Promise<void> {
    const deadline = performance.now() + SETTLE_MS;
    while (performance.now() < deadline) {
      const { queued, inFlight } = this.#hub.stats();
      if (queued + inFlight === 0) return;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

const send = serveParent<ToServer, FromServer>(async (request) => {
  switch (request.type) {
    case "start":
      running = await Running.start(request);
      return { type: "started", address: running.address };
    case "warm-up":
      return { type: "warmed", perTopic: await running!.warmUp() };
    case "begin":
      running!.begin(request.startNanos);
      return { type: "begun" };
    case "finish":
      return { type: "measured", measurements: running!.finish() };
    case "stop":
      await running?.stop();
      return { type: "stopped" };
  }
});
