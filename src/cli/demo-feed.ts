/** What `spillway serve --demo` publishes: the machine's readings, and the text of the Longlived clients. @module */
import { type Clock, systemClock } from "../clock.ts";
import type { Hub } from "../fanout/index.ts";
import type { LonglivedServiceOptions } from "../transport/grpc/index.ts";
import { HostReadings } from "./host-readings.ts";

const INTERVAL_MS = 1_000;

/** A topic of its own, so that nobody's patterns under `host.` get it. */
const LONGLIVED_TOPIC = "demo.longlived";

/** Sends each client of the Longlived service `data mock for: ` and its own id. */
export const demoLonglived: LonglivedServiceOptions = {
  topic: LONGLIVED_TOPIC,
  render: ({ payload }, id) =>
    `${Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)}: ${id}`,
};

/**
 * Publishes once a second: each reading under its topic with its name as key, so that a subscriber with the
 * policy `conflate` that reads too slowly has the newest of each.
 *
 * @returns stops it
 */
export function startDemoFeed(hub: Hub, clock: Clock = systemClock): () => void {
  const readings = new HostReadings();
  return clock.every(INTERVAL_MS, () => {
    for (const { topic, key, value, unit } of readings.take(clock.now())) {
      hub.publish(topic, JSON.stringify({ value, unit }), { key });
    }
    hub.publish(LONGLIVED_TOPIC, "data mock for");
  });
}
