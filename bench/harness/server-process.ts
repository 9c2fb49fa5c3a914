/**
 * The server process of a trial: the system under test, and the publisher beside it.
 *
 * @module
 */
import type { RunningServer } from "../system.ts";
import { loadSystem } from "../systems/index.ts";
import { serveParent } from "./child.ts";
import { NANOS_PER_MICRO, NANOS_PER_MS, nowNanos } from "./clock.ts";
import { Histogram } from "./histogram.ts";
import type { FromServer, Measured, MemoryMark, ServerMeasurements, ToServer, WarmUp } from "./messages.ts";
import { Metronome } from "./metronome.ts";
import { publishBySchedule } from "./publisher.ts";
import { Schedule } from "./schedule.ts";
import { ServerMeter } from "./server-meter.ts";
import { payloadMaker, WARM_UP } from "./stamp.ts";

const metronome = await Metronome.start();
let server: RunningServer | undefined;
let meter: ServerMeter | undefined;
let publish = new Histogram();
let lateness = new Histogram();

const send = serveParent<ToServer, FromServer>(async (request) => {
  switch (request.type) {
    case "start": {
      const system = await loadSystem(request.module);
      server = await system.start(request.settings);
      return { type: "started", address: server.address, pids: server.pids ?? [] };
    }
    case "warm-up":
      return { type: "warmed", messages: await warmUp(request.warmUps) };
    case "collect":
      return { type: "collected", memory: await collect() };
    case "begin":
      begin(request.measured, request.loopResolutionMs);
      return { type: "begun" };
    case "finish":
      return { type: "measured", measurements: finish() };
    case "stop":
      await server?.stop();
      return { type: "stopped" };
  }
});

async function collect(): Promise<MemoryMark> {
  globalThis.gc?.();
  // What was freed can have had something to free itself.
  await new Promise((resolve) => setImmediate(resolve));
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return { heapBytes: heapUsed, bufferBytes: arrayBuffers };
}

async function warmUp(warmUps: readonly WarmUp[]): Promise<number> {
  let messages = 0;
  for (const { phases, payloadBytes } of warmUps) {
    const payload = payloadMaker(payloadBytes);
    await publishBySchedule(new Schedule(phases), nowNanos(), metronome, {
      publish(_sequence, intendedNanos) {
        server!.publish(payload(intendedNanos, WARM_UP));
        messages++;
      },
    });
  }
  return messages;
}

function begin({ startNanos, phases, payloadBytes, spanMs }: Measured, loopResolutionMs: number): void {
  const payload = payloadMaker(payloadBytes);
  const schedule = new Schedule(phases);
  publish = new Histogram();
  lateness = new Histogram();
  void run();

  async function run(): Promise<void> {
    await metronome.waitUntil(startNanos - LEAD_NANOS);
    meter = new ServerMeter(server!, loopResolutionMs, spanMs);
    await publishBySchedule(schedule, startNanos, metronome, {
      late: (nanos) => lateness.recordNanos(nanos),
      publish(sequence, intendedNanos) {
        const message = payload(intendedNanos, sequence);
        const before = nowNanos();
        server!.publish(message);
        publish.recordMicros((nowNanos() - before) / NANOS_PER_MICRO);
      },
    });
    // The last message is due before the last interval is over.
    await metronome.waitUntil(startNanos + schedule.durationNanos);
    send({ type: "published", messages: schedule.messages });
  }
}

/** Measuring begins just before the first message is due. */
const LEAD_NANOS = NANOS_PER_MS;

function finish(): ServerMeasurements {
  return { ...meter!.stop(), publish: publish.data(), lateness: lateness.data() };
}
