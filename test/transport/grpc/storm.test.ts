/** A thousand clients who come back at once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { HistoryRequest, StoredMessage } from "../../../src/fanout/index.ts";
import { loadContracts } from "../../../src/transport/grpc/contracts.ts";
import { readStatus } from "../../../src/transport/grpc/status.ts";
import { frameFromWire, subscribeToWire } from "../../../src/transport/grpc/wire.ts";
import { grpcClient, openStream } from "../../support/grpc-calls.ts";
import { servedHub } from "../../support/grpc-served-hub.ts";

const { fanout } = loadContracts();

const CLIENTS = 1_000;
const CONNECTIONS = 10;
const CONCURRENCY = 8;
const ROUNDS = 5;
/** Message `round` of the client `index`; each has a topic of its own, so that no two loads are the same. */
const offsetOf = (index: number, round: number): number => round * CLIENTS + index + 1;

test("a thousand resumes at once load with the configured concurrency, and each gets its own, whole", async (t) => {
  let running = 0;
  let most = 0;
  let loads = 0;
  const source = {
    async load({ topic, after, through }: HistoryRequest) {
      loads++;
      running++;
      most = Math.max(most, running);
      // Longer than a turn, so that loads would pile up if they were let.
      for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
      running--;
      const index = Number(topic.slice("user.".length));
      const messages = Array.from({ length: ROUNDS }, (_, round): StoredMessage => {
        const offset = offsetOf(index, round);
        return { offset, payload: `${index}`, publishedAtMs: 1_700_000_000_000 + offset };
      });
      return { messages: messages.filter(({ offset }) => offset > after && offset <= through), through };
    },
  };
  const { hub, address, served } = await servedHub(
    t,
    { longlived: false },
    {
      epoch: "kept",
      lastOffset: CLIENTS * ROUNDS,
      history: [{ pattern: "user.>", source }],
      historyLoads: { concurrency: CONCURRENCY },
      retryDelayMs: 10_000,
    },
  );
  const connections = Array.from({ length: CONNECTIONS }, () => grpcClient(t, address));
  // Every client has read one message of its five.
  const streams = Array.from({ length: CLIENTS }, (_, index) =>
    openStream(
      connections[index % CONNECTIONS]!,
      fanout.Subscribe,
      subscribeToWire({
        patterns: [`user.${index}`],
        start: { epoch: "kept", offset: offsetOf(index, 0) },
      }),
    ),
  );
  // Started, catching up, four messages, live.
  const answers = await Promise.all(streams.map((stream) => stream.take(2 + ROUNDS - 1 + 1)));
  for (const [index, responses] of answers.entries()) {
    const frames = responses.map((response) => frameFromWire(response)!);
    assert.deepEqual(
      frames.map((frame) => (frame.kind === "state" ? frame.state : frame.kind)),
      ["started", "catching-up", "message", "message", "message", "message", "live"],
    );
    assert.deepEqual(
      frames.flatMap((frame) => (frame.kind === "message" ? [`${frame.topic} ${frame.offset}`] : [])),
      [1, 2, 3, 4].map((round) => `user.${index} ${offsetOf(index, round)}`),
    );
  }
  assert.equal(loads, CLIENTS);
  assert.equal(most, CONCURRENCY);
  assert.equal(hub.stats().subscriptions.live, CLIENTS);

  // And when they are all sent away, they are not told to come back at the same moment.
  const closed = served.close();
  const delays = await Promise.all(
    streams.map(async ({ status }) => readStatus(await status).retryAfterMs ?? Number.NaN),
  );
  await closed;
  const window = 10_000;
  for (const delay of delays) assert.ok(delay >= window / 2 && delay <= (window * 3) / 2, `${delay}`);
  assert.ok(Math.max(...delays) - Math.min(...delays) >= 0.8 * window);
  const tenths = new Set(delays.map((delay) => Math.floor((delay - window / 2) / (window / 10))));
  assert.ok(tenths.size >= 10, "no part of the window is left empty");
});

test("those who find no room are refused before any header, with delays that are spread as well", async (t) => {
  const { address } = await servedHub(t, { longlived: false }, { maxSubscriptions: 1, retryDelayMs: 10_000 });
  const client = grpcClient(t, address);
  const first = openStream(client, fanout.Subscribe, { patterns: ["t"] });
  await first.take(1);
  const refused = await Promise.all(
    Array.from({ length: 300 }, () => openStream(client, fanout.Subscribe, { patterns: ["t"] }).status),
  );
  const statuses = refused.map(readStatus);
  assert.deepEqual(new Set(statuses.map(({ code }) => code)), new Set(["LIMIT_REACHED"]));
  const delays = statuses.map(({ retryAfterMs }) => retryAfterMs ?? Number.NaN);
  assert.ok(Math.max(...delays) - Math.min(...delays) >= 0.8 * 10_000);
});
