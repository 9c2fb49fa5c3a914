/** The parts of the command that need no process of their own. */
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { describe, test } from "node:test";
import fc from "fast-check";
import { duration, startPosition } from "../../src/cli/arguments.ts";
import { oneLine } from "../../src/cli/errors.ts";
import { describeGrant, describePreviousEnd, describeState } from "../../src/cli/frame-lines.ts";
import { generate } from "../../src/cli/generate.ts";
import { cpuReadings, HostReadings, networkReadings, parseNetDev } from "../../src/cli/host-readings.ts";
import { lines, untilAborted } from "../../src/cli/lines.ts";
import { describeStats } from "../../src/cli/stats.ts";
import { fitted, printable, tableLines, width } from "../../src/cli/table.ts";
import { shortBytes, shortCount, shortRate, shortTime } from "../../src/cli/units.ts";
import { ManualClock } from "../client/manual-clock.ts";

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of source) all.push(item);
  return all;
}

async function* chunks(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces;
}

describe("lines", () => {
  test("do not depend on how the bytes were cut, and keep every byte but the line ends", async () => {
    const byte = fc.oneof(fc.constantFrom(0x0a, 0x0d, 0x61), fc.integer({ min: 0, max: 255 }));
    const piece = fc.array(byte, { maxLength: 20 }).map((bytes) => Uint8Array.from(bytes));
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 10 }), async (pieces) => {
        const text = Buffer.concat(pieces).toString("latin1");
        const expected = text.split("\n");
        if (expected.at(-1) === "") expected.pop();
        const got = (await collect(lines(chunks(pieces)))).map((line) =>
          Buffer.from(line).toString("latin1"),
        );
        assert.deepEqual(
          got,
          expected.map((line) => line.replace(/\r$/, "")),
        );
      }),
    );
  });

  test("an endless one is refused before it fills the memory", async () => {
    const mebibyte = new Uint8Array(1 << 20).fill(0x61);
    const endless = async function* (): AsyncGenerator<Uint8Array> {
      for (;;) yield mebibyte;
    };
    await assert.rejects(collect(lines(endless())), /expected lines of at most 67108864 bytes/);
  });
});

describe("a stream until a signal", () => {
  test("ends quietly when it is aborted, also before it began", async () => {
    const controller = new AbortController();
    const stream = new Readable({ read() {} });
    stream.push("a");
    const seen: string[] = [];
    for await (const chunk of untilAborted(stream, controller.signal)) {
      seen.push(Buffer.from(chunk).toString());
      controller.abort();
    }
    assert.deepEqual(seen, ["a"]);
    assert.equal(stream.destroyed, true);
    assert.deepEqual(await collect(untilAborted(new Readable({ read() {} }), controller.signal)), []);
  });

  test("tells a failure to read from that", async () => {
    const stream = new Readable({ read: () => stream.destroy(new Error("EIO")) });
    const reading = collect(untilAborted(stream, new AbortController().signal));
    await assert.rejects(reading, /cannot read standard input: .*EIO/);
  });
});

test("generated payloads have exactly the size, whatever their number", async () => {
  const { signal } = new AbortController();
  for (const size of [0, 1, 3, 100]) {
    const payloads = await collect(generate({ rate: undefined, count: 12, size, signal }));
    assert.deepEqual(
      payloads.map(({ length }) => length),
      Array(12).fill(size),
    );
  }
});

test("a generator keeps its rate on average: late messages follow at once, early ones wait", async () => {
  const clock = new ManualClock();
  const { signal } = new AbortController();
  const generated = generate({ rate: 10, count: undefined, size: 4, signal, clock });
  await generated.next();
  const early = generated.next();
  await Promise.resolve();
  assert.equal(clock.pending, 1);
  clock.advance(99);
  assert.equal(clock.pending, 1);
  clock.advance(1);
  await early;
  clock.advance(300);
  for (let late = 0; late < 3; late += 1) await generated.next();
  const next = generated.next();
  await Promise.resolve();
  assert.equal(clock.pending, 1, "it has caught up");
  clock.advance(100);
  assert.equal(Buffer.from((await next).value ?? []).toString(), "6 ..");
});

test("an aborted generator does not wait for its next message", async () => {
  const controller = new AbortController();
  const generated = generate({ rate: 0.001, count: undefined, size: 1, signal: controller.signal });
  assert.equal((await generated.next()).done, false);
  const next = generated.next();
  controller.abort();
  assert.equal((await next).done, true);
});

describe("host readings", () => {
  const core = (user: number, idle: number) => ({
    model: "",
    speed: 0,
    times: { user, nice: 0, sys: 0, idle, irq: 0 },
  });

  test("cpu is the busy share between two looks, per core and in total", () => {
    const readings = cpuReadings([core(100, 100), core(0, 0)], [core(175, 125), core(0, 100)]);
    assert.deepEqual(
      readings.map(({ key, value, unit }) => [key, value, unit]),
      [
        ["cpu0", 75, "percent"],
        ["cpu1", 0, "percent"],
        ["total", 37.5, "percent"],
      ],
    );
  });

  test("there is no cpu reading when no time passed, or a core came or went", () => {
    assert.deepEqual(cpuReadings([core(1, 1)], [core(1, 1)]), []);
    assert.deepEqual(cpuReadings([core(1, 1)], [core(2, 2), core(2, 2)]), []);
  });

  test("network counters are read from the table of the kernel", () => {
    const text = [
      "Inter-|   Receive                                                |  Transmit",
      " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs",
      "    lo: 1000      10    0    0    0     0          0         0  2000      20    0",
      "  eth0:42 1 0 0 0 0 0 0 43 1 0",
      "",
    ].join("\n");
    assert.deepEqual(parseNetDev(text), [
      { name: "lo", receivedBytes: 1000, sentBytes: 2000 },
      { name: "eth0", receivedBytes: 42, sentBytes: 43 },
    ]);
  });

  test("rates are what the counters grew by per second, and never negative", () => {
    const at = (receivedBytes: number, sentBytes: number) => [{ name: "e", receivedBytes, sentBytes }];
    const rates = networkReadings(at(100, 500), at(300, 0), 2).filter(({ unit }) => unit === "bytes/s");
    assert.deepEqual(
      rates.map(({ key, value }) => [key, value]),
      [
        ["e.received-rate", 100],
        ["e.sent-rate", 0],
      ],
    );
    assert.equal(networkReadings([], at(1, 1), 2).length, 2, "a new interface has counters only");
  });

  test("this machine has some, with one key per reading", () => {
    const host = new HostReadings();
    host.take(0);
    const readings = host.take(1_000);
    const names = readings.map(({ topic, key }) => `${topic} ${key}`);
    assert.equal(new Set(names).size, names.length);
    for (const name of ["host.memory total", "host.memory used", "host.load 15m"])
      assert.ok(names.includes(name));
    for (const { value } of readings) assert.ok(Number.isFinite(value) && value >= 0);
  });
});

test("text of any origin becomes one printable line", () => {
  assert.equal(oneLine(" a\n  b\r\nc\u001b[0m\u0007 "), "a b c\\u001b[0m\\u0007");
});

describe("a start", () => {
  const now = Date.UTC(2026, 0, 31, 12);

  test("is a word, a number of messages, a time, or a position", () => {
    const forms: [text: string, start: unknown][] = [
      ["live", "live"],
      ["oldest", "oldest"],
      ["snapshot", "snapshot"],
      ["last:1", { newest: 1 }],
      ["last:4294967295", { newest: 4_294_967_295 }],
      ["since:30s", { sinceMs: now - 30_000 }],
      ["since:1.5h", { sinceMs: now - 5_400_000 }],
      ["since:2026-01-31", { sinceMs: Date.UTC(2026, 0, 31) }],
      ["since:2026-01-31T11:30Z", { sinceMs: now - 1_800_000 }],
      ["since:2026-01-31T13:00:00.250+01:00", { sinceMs: now + 250 }],
      ["0d9a1c3e-aa:17", { epoch: "0d9a1c3e-aa", offset: 17 }],
      ["live:0", { epoch: "live", offset: 0 }],
    ];
    for (const [text, start] of forms) assert.deepEqual(startPosition(text, now), start, text);
  });

  test("is refused when it is none of these", () => {
    const bad = [
      "",
      "Live",
      "last",
      "last:",
      "last:0",
      "last:-1",
      "last:4294967296",
      "since:",
      "since:5",
      "since:tuesday",
      "since:2026-13-45",
      "since:0s",
      "e:",
      ":5",
      "e:1.5",
      "e:-1",
      "e:9007199254740992",
      "a:b:1",
    ];
    for (const text of bad) assert.throws(() => startPosition(text, now), /Expected live, oldest/, text);
  });
});

test("a time has a unit, and is above 0", () => {
  const times = ["500ms", "30s", "5m", "2h", "1d", ".5s"].map(duration);
  assert.deepEqual(times, [500, 30_000, 300_000, 7_200_000, 86_400_000, 500]);
  for (const bad of ["", "5", "s", "0s", "-1s", "1w", "1e3s", "Infinityms", "9999999999999d"]) {
    assert.throws(() => duration(bad), /Expected a time above 0/, bad);
  }
});

test("a change of state and a change of rung read differently", () => {
  const state = (
    state: "live" | "parked" | "draining" | "catching-up",
    overflow: "conflate" | "park",
    rung: number,
  ) => ({ kind: "state", state, overflow, rung }) as const;
  assert.match(describeState(state("live", "conflate", 1), 0), /too slow: on rung 1 .* policy conflate/);
  assert.match(describeState(state("live", "conflate", 1), 2), /recovering: on rung 1 .* policy conflate/);
  assert.match(describeState(state("live", "park", 0), 1), /not slow any more, with the policy park/);
  assert.match(describeState(state("live", "park", 0), 0), /^live: everything retained was sent/);
  assert.match(describeState(state("parked", "park", 1), 1), /^parked/);
  assert.match(describeState(state("catching-up", "park", 1), 1), /^catching up/);
  assert.match(describeState(state("draining", "park", 0), 0), /draining/);
});

test("what was granted names the class, the age limit, and what is less than was asked for", () => {
  const plain = {
    kind: "started",
    subscriptionId: "s",
    position: { epoch: "e", offset: 0 },
    overflow: "conflate",
    queue: { messages: 8, bytes: 1024 },
    bounded: [],
    maxAgeMs: undefined,
    class: undefined,
  } as const;
  assert.equal(describeGrant(plain), "conflate, queue 8 messages / 1024 bytes");
  const bounded = ["queue.messages", "max_age_ms"];
  assert.equal(
    describeGrant({ ...plain, maxAgeMs: 5_000, class: "dashboards", bounded }),
    "conflate, queue 8 messages / 1024 bytes, nothing older than 5000 ms, class dashboards, " +
      "bounded by the server: queue.messages, max_age_ms",
  );
});

test("how an earlier subscription ended is said in words, also for a reason that is not known here", () => {
  const stalled = describePreviousEnd({ reason: "stalled", offset: 3, lost: 12 });
  assert.match(stalled, /stalled \(a write made no progress for too long\), 12 messages lost/);
  assert.match(describePreviousEnd({ reason: "moved-to-mars", offset: 3, lost: 0 }), /: moved-to-mars, 0 /);
});

describe("a table", () => {
  const columns = [
    { title: "NAME", value: ([name]: readonly string[]) => name ?? "", most: 6 },
    { title: "N", value: ([, number]: readonly string[]) => number ?? "", align: "right" as const },
    { title: "LAST", value: ([, , last]: readonly string[]) => last ?? "" },
  ];

  test("has texts on the left and numbers on the right, each below its title", () => {
    const rows = [
      ["a", "1", "x"],
      ["abcdefgh", "100", ""],
      ["日本語", "20", "y"],
    ];
    assert.deepEqual(tableLines(columns, rows), [
      "NAME      N  LAST",
      "a         1  x",
      "abcde…  100",
      "日本語   20  y",
    ]);
    assert.deepEqual(tableLines(columns, []), ["NAME  N  LAST"]);
  });

  test("is as wide in every line, and within its bounds, whatever is in it", () => {
    const cell = fc.string({ unit: "grapheme", maxLength: 12 }).map((text) => `${text}|`);
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, fc.constant("1"), fc.constant("|")), { minLength: 1 }), (rows) => {
        const [, ...lines] = tableLines(columns, rows);
        assert.equal(new Set(lines.map(width)).size, 1, lines.join("\n"));
        for (const line of lines) assert.ok(width(line) <= 6 + 2 + 1 + 2 + 4);
      }),
    );
  });

  test("shows what would steer a terminal, break a line or turn the text around, as codes", () => {
    assert.equal(
      printable("a\u001b[2J\u0000\n\u2028\u202e\u200b\ud800b"),
      "a\\u{1b}[2J\\u{0}\\u{a}\\u{2028}\\u{202e}\\u{200b}\\u{d800}b",
    );
    assert.doesNotMatch(printable(String.fromCodePoint(0x9b, 0x7f, 0x85)), /\p{Cc}/u);
  });

  test("cuts a text at its width, not in the middle of a character", () => {
    assert.equal(fitted("abc", 3), "abc");
    assert.equal(fitted("abcd", 3), "ab…");
    assert.equal(fitted("日本", 3), "日…");
    assert.equal(fitted("日本", 4), "日本");
    assert.equal(width("e\u0301"), 1);
  });
});

test("the books say in words what keeps evictions, and what was refused", () => {
  const books = {
    matched: 0,
    delivered: 0,
    conflated: 0,
    expired: 0,
    queued: 0,
    inFlight: 0,
    discardedAtClose: 0,
  };
  const report = {
    ...books,
    dropped: { overflow: 0, oversize: 0, "render-failed": 0, "filter-failed": 0 },
    position: { epoch: "e", offset: 7 },
    published: 7,
    publishedBytes: 70,
    topics: 2,
    subscriptions: { live: 2, "catching-up": 0, parked: 1, draining: 0, stalled: 10 },
    ended: {},
    queuedBytes: 0,
    inFlightBytes: 0,
    deliveredBytes: 0,
    replayed: 0,
    batches: 0,
    slow: 11,
    worstLagMs: 65_000,
    retained: { messages: 5, bytes: 2_048 },
    brake: "paused",
    evictionsHeldBack: 9,
    refused: { publishes: {}, subscriptions: { NOT_ALLOWED: 2, LIMIT_REACHED: 1 } },
    rates: undefined,
  } as const;
  const lines = describeStats(report).map((line) => line.replaceAll(/ {2,}/g, ": "));
  for (const line of [
    "subscriptions: 13 (2 live, 1 parked, 10 stalled)",
    "slow: 11, the greatest lag 65s",
    "evictions: paused: so many are slow that it is not their fault, 9 held back",
    "ended: 0",
    "refused: 3 (2 NOT_ALLOWED, 1 LIMIT_REACHED) subscriptions, 0 messages",
    "topics: 2, 5 messages retained, 2.0KiB",
  ]) {
    assert.ok(lines.includes(line), `${line}\n${lines.join("\n")}`);
  }
  assert.ok(describeStats({ ...report, brake: "off" }).some((line) => /^evictions +go on$/.test(line)));
  assert.ok(
    describeStats({ ...report, brake: "paced" }).some((line) => /a few at a time, 9 held back$/.test(line)),
  );
});

test("numbers are short, with a unit, and never more exact than one looks", () => {
  assert.deepEqual(
    [0, 999, 1_000, 1_234, 9_949, 9_950, 99_499, 999_499, 999_999, 1_234_567, 5e12].map(shortCount),
    ["0", "999", "1.0k", "1.2k", "9.9k", "10k", "99k", "999k", "1.0M", "1.2M", "5.0T"],
  );
  assert.deepEqual([0, 1_023, 1_024, 1_048_576, 16_777_216, 2 ** 53 - 1].map(shortBytes), [
    "0B",
    "1023B",
    "1.0KiB",
    "1.0MiB",
    "16MiB",
    "8.0PiB",
  ]);
  assert.deepEqual([0, 0.01, 0.25, 9.94, 10, 1_500].map(shortRate), ["0", "0.1", "0.3", "9.9", "10", "1.5k"]);
  assert.deepEqual(
    [0, 0.4, 0.6, 999, 999.9, 1_200, 35_000, 119_000, 120_000, 7_200_000, 86_400_000, 172_800_000].map(
      shortTime,
    ),
    ["0", "0", "1ms", "999ms", "1.0s", "1.2s", "35s", "119s", "2.0m", "2.0h", "24h", "2d"],
  );
});
