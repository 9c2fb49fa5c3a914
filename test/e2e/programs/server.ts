/**
 * A server in a process of its own, so that it can be killed, or its event loop blocked, without disturbing the test.
 *
 * With a `file`, every message is in it before any subscriber can get it: `publish()` hands nothing to a sink, and
 * what it returned is written in the same turn. So whenever this process is killed, the file is the whole history, the
 * source of whoever comes back, and what the test holds its journals against.
 */
import { appendFileSync, readFileSync } from "node:fs";
import { Hub, type HubOptions } from "../../../src/fanout/index.ts";
import { serve } from "../../../src/transport/grpc/index.ts";
import { hashOf, type StoredEntry } from "../support/journal.ts";
import { onOrder, record, spec } from "./report.ts";

export interface ServerSpec {
  readonly listen: string;
  readonly hub?: HubOptions;
  /** One JSON object a line, each a `StoredEntry`. */
  readonly file?: string;
}

/** What the test tells it to do. */
export type ServerOrder =
  /** Publishes so many, in one go, to these topics in turn. With `thenBlockMs` it then blocks its event loop. */
  | {
      readonly order: "publish";
      readonly topics: readonly string[];
      readonly count: number;
      readonly thenBlockMs?: number;
    }
  /** Publishes to these topics in turn, one message a turn, until `stop`. */
  | { readonly order: "stream"; readonly topics: readonly string[] }
  | { readonly order: "stop" }
  | { readonly order: "stats" };

const { listen, hub: options, file } = spec<ServerSpec>();

const hub = new Hub({
  ...options,
  ...(file === undefined ? {} : { history: [{ pattern: ">", source: { load } }] }),
});
const server = await serve(hub, { listen });
record({ kind: "listening", address: server.address, epoch: hub.epoch });

let streaming = false;
let published = 0;

onOrder<ServerOrder>((order) => {
  switch (order.order) {
    case "publish":
      for (let n = 0; n < order.count; n++) publish(order.topics);
      record({ kind: "published", offset: hub.position.offset });
      if (order.thenBlockMs !== undefined) blockBehindFlush(order.thenBlockMs);
      break;
    case "stream":
      streaming = true;
      stream(order.topics);
      break;
    case "stop":
      streaming = false;
      record({ kind: "published", offset: hub.position.offset });
      break;
    case "stats": {
      const subscribers = [...hub.subscriptions()].map((subscription) => {
        const { clientName, stalls, rung } = subscription.stats();
        return { clientName, stalls, rung };
      });
      record({ kind: "stats", ended: hub.stats().ended, subscribers });
      break;
    }
  }
});

function publish(topics: readonly string[]): void {
  const topic = topics[published++ % topics.length] as string;
  const payload = `${published} of ${hub.epoch}`;
  const { offset } = hub.publish(topic, payload);
  if (file === undefined) return;
  const stored: StoredEntry = {
    topic,
    offset,
    payload,
    hash: hashOf(Buffer.from(payload)),
    publishedAtMs: Date.now(),
  };
  appendFileSync(file, `${JSON.stringify(stored)}\n`);
}

function stream(topics: readonly string[]): void {
  if (!streaming) return;
  publish(topics);
  setImmediate(stream, topics);
}

/** When the writes of what was just published are on their way, and before anybody can hear of their success. */
function blockBehindFlush(ms: number): void {
  setImmediate(() => {
    const end = performance.now() + ms;
    while (performance.now() < end);
  });
}

async function load(request: { topic: string; after: number; through: number; limit: number }) {
  const { topic, after, through, limit } = request;
  const lines = readFileSync(file as string, "utf8")
    .split("\n")
    .slice(0, -1);
  const rows = lines
    .map((line) => JSON.parse(line) as StoredEntry)
    .filter((row) => row.topic === topic && row.offset > after && row.offset <= through);
  const messages = rows.slice(0, limit);
  return { messages, through: rows.length > limit ? (messages.at(-1)?.offset ?? through) : through };
}
