/** What a file may say, what it may not, and in which words it is told. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { load, wrong, wrongWithoutFile } from "./sources.ts";

/** What stands in the file, and what is told. */
const refused: readonly (readonly [text: string, ...problems: string[]])[] = [
  // Keys.
  [
    "hub: { queue: { mesages: 5 } }",
    "spillway.yaml:1:17: hub.queue.mesages: unknown key; did you mean messages?",
  ],
  [
    "hub: { stallTimeoutMs: 5 }",
    "spillway.yaml:1:8: hub.stallTimeoutMs: unknown key; did you mean stallTimeout?",
  ],
  [
    "hub: { stall_timeout: 5s }",
    "spillway.yaml:1:8: hub.stall_timeout: unknown key; did you mean stallTimeout?",
  ],
  ["queue: { messages: 5 }", "spillway.yaml:1:1: queue: unknown key; did you mean hub.queue?"],
  [
    "hub: { queue: { depth: 5 } }",
    "spillway.yaml:1:17: hub.queue.depth: unknown key; known here are messages, bytes",
  ],
  [
    'hub: { topics: { a: { "b c": 1, "__proto__": 1 } } }',
    'spillway.yaml:1:23: hub.topics.a."b c": unknown key; known here are preset, overflow, allowedOverflow, queue, maxQueue, maxAge, escalation, recovery, newcomerGrace, watermarks, stallTimeout, minBytesPerSecond, blockTimeout, progressInterval, batch, retention, linger',
    "spillway.yaml:1:33: hub.topics.a.__proto__: this key is not allowed",
  ],
  [
    "hub: { topics: { <<: { a: {} } } }",
    'spillway.yaml:1:18: hub.topics."<<": merge keys are not read: repeat the values, or name a preset',
  ],
  ["log: { level: info, level: warn }", 'spillway.yaml:1:21: the key "level" is said twice'],
  // Types.
  ["[]", "spillway.yaml:1:1: expected a map of options, got a list"],
  ["7", "spillway.yaml:1:1: expected a map of options, got 7"],
  ["hub:", "spillway.yaml:1:1: hub: expected a map of options, got nothing: leave the key out, or write {}"],
  [
    "hub: { topics: }",
    "spillway.yaml:1:8: hub.topics: expected a map, got nothing: leave the key out, or write {}",
  ],
  [
    'hub: { maxTopics: "7" }',
    'spillway.yaml:1:8: hub.maxTopics: expected a whole number of at least 2, got "7"',
  ],
  [
    "hub: { maxTopics: }",
    "spillway.yaml:1:8: hub.maxTopics: expected a whole number of at least 2, got nothing",
  ],
  [
    "hub: { maxTopics: { } }",
    "spillway.yaml:1:8: hub.maxTopics: expected a whole number of at least 2, got a map",
  ],
  ["admin: { enabled: yes }", 'spillway.yaml:1:10: admin.enabled: expected true or false, got "yes"'],
  [
    "hub: { escalation: { when: { lag: 2s } } }",
    "spillway.yaml:1:8: hub.escalation: expected a list, got a map",
  ],
  [
    "hub: { allowedOverflow: [] }",
    "spillway.yaml:1:8: hub.allowedOverflow: expected a list of at least 1, got fewer",
  ],
  [
    "hub: { classes: { a: { match: { labels: { tier: 1 } } } } }",
    "spillway.yaml:1:43: hub.classes.a.match.labels.tier: expected text, got 1: put it in quotes",
  ],
  // Ranges.
  ["hub: { maxTopics: 1 }", "spillway.yaml:1:8: hub.maxTopics: expected a whole number of at least 2, got 1"],
  [
    "hub: { maxTopics: 2.5 }",
    "spillway.yaml:1:8: hub.maxTopics: expected a whole number of at least 2, got 2.5",
  ],
  [
    "hub: { maxTopics: -3 }",
    "spillway.yaml:1:8: hub.maxTopics: expected a whole number of at least 2, got -3",
  ],
  [
    "hub: { maxTopics: .nan }",
    "spillway.yaml:1:8: hub.maxTopics: expected a whole number of at least 2, got NaN",
  ],
  [
    "hub: { maxTopics: .inf }",
    "spillway.yaml:1:8: hub.maxTopics: expected a whole number of at least 2, got Infinity",
  ],
  [
    "hub: { massSlowShare: 2 }",
    "spillway.yaml:1:8: hub.massSlowShare: expected a share above 0 and up to 1, such as 0.75 or 75%, got 2",
  ],
  [
    "hub: { massSlowShare: 0% }",
    "spillway.yaml:1:8: hub.massSlowShare: expected a share above 0 and up to 1, such as 0.75 or 75%, got 0",
  ],
  [
    "hub: { classes: { a: { priority: .inf } } }",
    "spillway.yaml:1:24: hub.classes.a.priority: expected a number, got Infinity",
  ],
  // Units.
  [
    "hub: { linger: 5 }",
    "spillway.yaml:1:8: hub.linger: expected a time such as 250ms, 30s, 5m, 2h or 1d, got 5: a time needs a unit",
  ],
  [
    "hub: { linger: -5ms }",
    'spillway.yaml:1:8: hub.linger: expected a time such as 250ms, 30s, 5m, 2h or 1d, got "-5ms"',
  ],
  ["hub: { linger: 2s }", "spillway.yaml:1:8: hub.linger: expected a time from 0 to 1s, got 2s"],
  ["hub: { recovery: 30d }", "spillway.yaml:1:8: hub.recovery: expected a time from 0 to 24.8 days, got 30d"],
  [
    "hub: { recovery: forever }",
    'spillway.yaml:1:8: hub.recovery: expected a time such as 250ms, 30s, 5m, 2h or 1d, got "forever": this one has to end',
  ],
  [
    "hub: { maxAge: 0s }",
    "spillway.yaml:1:8: hub.maxAge: expected a time above 0 and up to 24.8 days, or forever, got 0",
  ],
  [
    "hub: { maxMessageBytes: 1MB }",
    'spillway.yaml:1:8: hub.maxMessageBytes: expected a size such as 4096, 64KiB or 1MiB, at least 1 byte, got "1MB": write KiB, MiB or GiB, which are powers of 1024',
  ],
  [
    "hub: { maxMessageBytes: 0 }",
    "spillway.yaml:1:8: hub.maxMessageBytes: expected a size such as 4096, 64KiB or 1MiB, at least 1 byte, got 0",
  ],
  [
    "hub: { maxMessageBytes: 0.0001KiB }",
    'spillway.yaml:1:8: hub.maxMessageBytes: expected a size such as 4096, 64KiB or 1MiB, at least 1 byte, got "0.0001KiB"',
  ],
  [
    `hub: { recovery: ${"9".repeat(400)}d }`,
    `spillway.yaml:1:8: hub.recovery: expected a time from 0 to 24.8 days, got "${"9".repeat(77)}..."`,
  ],
  // Names.
  [
    "hub: { preset: live }",
    'spillway.yaml:1:8: hub.preset: expected one of live-state, event-feed, audit-log, telemetry, got "live"',
  ],
  [
    "hub: { topics: { a..b: {} } }",
    'spillway.yaml:1:18: hub.topics."a..b": expected a pattern such as "prices.*" or "prices.>", got "a..b": no token between the dots may be empty',
  ],
  [
    "hub: { classes: { 1st: {} } }",
    'spillway.yaml:1:19: hub.classes."1st": expected a name that begins with a letter and has letters, digits, "-" and "_", at most 64',
  ],
  [
    "server: { listen: 7070 }",
    "spillway.yaml:1:11: server.listen: expected an address as HOST:PORT, such as 127.0.0.1:7070 or [::1]:7070, got 7070: put it in quotes",
  ],
  [
    "server: { listen: '127.0.0.1:70700' }",
    'spillway.yaml:1:11: server.listen: expected an address as HOST:PORT, such as 127.0.0.1:7070 or [::1]:7070, got "127.0.0.1:70700"',
  ],
  // What can be one thing or another.
  [
    "hub: { retention: true }",
    "spillway.yaml:1:8: hub.retention: expected a map of options or false, got true",
  ],
  [
    "hub: { retention: { keys: 5 } }",
    "spillway.yaml:1:8: hub.retention.latestPerKey: expected true, got nothing",
  ],
  [
    "hub: { retention: { latestPerKey: true, bytes: 5 } }",
    "spillway.yaml:1:41: hub.retention.bytes: unknown key; known here are latestPerKey, keys, tombstoneAge",
  ],
  [
    "hub: { retention: { messages: 5, byte: 5 } }",
    "spillway.yaml:1:34: hub.retention.byte: unknown key; did you mean bytes?",
  ],
  [
    "server: { longlived: { topic: a b } }",
    'spillway.yaml:1:24: server.longlived.topic: expected a pattern such as "prices.*" or "prices.>", got "a b": white space, control characters and lone surrogates are not allowed',
  ],
  // Rungs.
  [
    "hub: { escalation: [ { when: {}, policy: evict } ] }",
    "spillway.yaml:1:24: hub.escalation[0].when: expected at least one of fullFor, lag, lagMessages, lagBytes, stalledFor, got none",
  ],
  [
    "hub: { escalation: [ { when: { lag: 1s }, policy: block } ] }",
    'spillway.yaml:1:43: hub.escalation[0].policy: expected one of drop-oldest, drop-newest, conflate, park, evict, got "block"',
  ],
  [
    "hub: { escalation: [ { policy: evict } ] }",
    "spillway.yaml:1:22: hub.escalation[0].when: expected a map of options, got nothing",
  ],
];

describe("a configuration file", () => {
  it("may be empty, or have nothing but comments", async () => {
    for (const text of ["", "\n", "# nothing\n", "---\n", "{}"])
      assert.deepEqual((await load(text)).config, {});
  });

  it("turns units into plain numbers, under the names of code", async () => {
    const { config } = await load(`
      hub:
        stallTimeout: 2.5s
        maxAge: forever
        linger: 0
        maxMessageBytes: 64KiB
        watermarks: { high: 80%, low: 0.25 }
        flush: { slice: 10ms }
        escalation: [ { when: { lag: 2s, lagBytes: 1MiB, lagMessages: 10 }, policy: conflate } ]
        topics: { "prices.>": { retention: { latestPerKey: true, tombstoneAge: 1h } } }
        classes: { a: { match: { clientName: "b*" }, newcomerGrace: 1m } }
      server: { keepaliveTime: 10s, longlived: false, channelOptions: { grpc.max_connection_age_ms: 5 } }
    `);
    assert.deepEqual(config, {
      hub: {
        stallTimeoutMs: 2_500,
        maxAgeMs: Number.POSITIVE_INFINITY,
        lingerMs: 0,
        maxMessageBytes: 65_536,
        watermarks: { high: 0.8, low: 0.25 },
        flush: { sliceMs: 10 },
        escalation: [{ when: { lagMs: 2_000, lagBytes: 1_048_576, lagMessages: 10 }, policy: "conflate" }],
        topics: { "prices.>": { retention: { latestPerKey: true, tombstoneAgeMs: 3_600_000 } } },
        classes: { a: { match: { clientName: "b*" }, newcomerGraceMs: 60_000 } },
      },
      server: {
        keepaliveTimeMs: 10_000,
        longlived: false,
        channelOptions: { "grpc.max_connection_age_ms": 5 },
      },
    });
  });

  it("may be JSON, with tabs, and name its schema", async () => {
    const text =
      '\uFEFF{\n\t"$schema": "./config.schema.json",\n\t"hub": {\n\t\t"linger": "5ms",\n\t\t"escalation": [\n\t\t]\n\t}\n}\n';
    assert.deepEqual((await load(text)).config, { hub: { lingerMs: 5, escalation: [] } });
  });

  it("may use anchors and aliases", async () => {
    const { config, origins } = await load(
      "hub:\n  queue: &small { messages: 5 }\n  topics:\n    a: { queue: *small }\n",
    );
    assert.deepEqual(config.hub?.topics, { a: { queue: { messages: 5 } } });
    assert.equal(origins.of(["hub", "topics", "a", "queue"])?.text, "spillway.yaml:4:10");
  });

  for (const [text, ...problems] of refused) {
    it(`is refused with the place, what was expected and what came: ${text}`, async () => {
      assert.deepEqual(await wrong(text), problems);
    });
  }

  it("is told everything that is wrong with it at once, from its top to its bottom", async () => {
    const places = await wrong(`
admin: { reflection: 5, x: 1 }
hub:
  classes: { a: { match: { labels: { b: 5 } } } }
  queue: { bytes: 1MB, mesages: 2 }
  topics: { a: { linger: 5 }, "": {} }
metrics: { listen: 1 }
`);
    assert.deepEqual(
      places.map((line) => line.split(": ").slice(0, 2).join(" ")),
      [
        "spillway.yaml:2:10 admin.reflection",
        "spillway.yaml:2:25 admin.x",
        "spillway.yaml:4:38 hub.classes.a.match.labels.b",
        "spillway.yaml:5:12 hub.queue.bytes",
        "spillway.yaml:5:24 hub.queue.mesages",
        "spillway.yaml:6:18 hub.topics.a.linger",
        'spillway.yaml:6:31 hub.topics.""',
        "spillway.yaml:7:12 metrics.listen",
      ],
    );
  });

  it("is told where it is no YAML", async () => {
    assert.match((await wrong("hub: [\n"))[0] ?? "", /^spillway\.yaml:2:1: not valid YAML: /);
    assert.match((await wrong("hub:\n\tqueue: 1\n"))[0] ?? "", /^spillway\.yaml:2:1: not valid YAML: Tabs/);
    assert.deepEqual(await wrong("a: 1\n---\nb: 1\n"), [
      "spillway.yaml:2:1: expected one document, got a second one",
    ]);
    assert.deepEqual(await wrong("hub: { linger: !!binary aGk= }"), [
      "spillway.yaml:1:16: tags such as !!binary are not read: leave it out",
    ]);
    assert.match((await wrong("? [a]\n: 1\n"))[0] ?? "", /^spillway\.yaml:1:3: not valid YAML: /);
  });

  it("goes on to what else is wrong beside a key that is said twice", async () => {
    assert.deepEqual(await wrong("log: { level: info, level: loud }\nadmin: 5\n"), [
      'spillway.yaml:1:21: the key "level" is said twice',
      'spillway.yaml:1:21: log.level: expected one of trace, debug, info, warn, error, fatal, silent, got "loud"',
      "spillway.yaml:2:1: admin: expected a map of options, got 5",
    ]);
  });

  it("cannot use up memory or the stack: not by depth, not by aliases, not by an alias inside of itself", async () => {
    assert.match((await wrong(`hub: ${"[".repeat(50_000)}`)).join(), /nested too deeply/);
    assert.match((await wrong(`hub: ${"[".repeat(40)}${"]".repeat(40)}`)).join(), /nested too deeply/);
    const lines = ["a: &a [x, x, x, x, x, x, x, x, x]"];
    for (const [index, name] of [..."bcdefgh"].entries()) {
      lines.push(`${name}: &${name} [${Array(9).fill(`*${"abcdefg"[index]}`).join(", ")}]`);
    }
    assert.match(
      (await wrong(lines.join("\n"))).join("\n"),
      /expected at most 100000 values, aliases written out/,
    );
    assert.match(
      (await wrong("hub: &h\n  topics: *h\n")).join(),
      /hub.topics: an alias inside of what it stands for/,
    );
    assert.match((await wrong("hub: *h\n")).join(), /hub: no anchor of that name comes before this alias/);
  });

  it("leaves every prototype alone", async () => {
    await wrong('{"__proto__": {"polluted": 1}, "hub": {"__proto__": {"polluted": 1}}}');
    const { config } = await load("hub: { topics: { constructor: { linger: 5ms }, toString: {} } }");
    assert.deepEqual(Object.keys(config.hub?.topics ?? {}), ["constructor", "toString"]);
    assert.equal(({} as { polluted?: unknown }).polluted, undefined);
    assert.match((await wrong("hub: { constructor: 1 }")).join(), /hub.constructor: unknown key/);
  });

  it("is told of in lines that no terminal obeys, whatever its keys and its name are", async () => {
    const text = 'hub: { "a\\e[2J\\u009b1m": 1, topics: { "\\n": {} } }\nlog: { level: "\\x07" }\n!\u009bx';
    const file = "gone\n\u009b.yaml";
    const lines = [
      ...(await wrong(text)),
      ...(await wrong(text.split("\n!")[0] ?? "")),
      ...(await wrongWithoutFile({ file })),
    ];
    assert.ok(lines.length >= 4, `${lines.length}`);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
    for (const line of lines) assert.doesNotMatch(line, /[\0-\x1f\x7f-\x9f]/);
  });

  it("is told by name when it cannot be read", async () => {
    const folder = mkdtempSync(join(tmpdir(), "spillway-config-"));
    try {
      const gone = join(folder, "gone.yaml");
      assert.deepEqual(await wrongWithoutFile({ file: gone }), [`${gone}: there is no such file`]);
      assert.deepEqual(await wrongWithoutFile({ file: folder }), [
        `${folder}: expected a file, got a folder`,
      ]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("contradictions", () => {
  const cases: readonly (readonly [text: string, problem: string])[] = [
    [
      "hub: { watermarks: { high: 50%, low: 60% } }",
      "spillway.yaml:1:33: hub.watermarks.low: expected a low watermark of at most the high one, got low 0.6 and high 0.5",
    ],
    [
      "hub: { overflow: park }",
      "spillway.yaml:1:8: hub.overflow: park reads on from a replay log, and nothing is retained: set the option retention",
    ],
    [
      'hub: { topics: { "a.>": { retention: { messages: 10 }, overflow: park, queue: { messages: 20 } } } }',
      'spillway.yaml:1:81: hub.topics."a.>".queue.messages: expected a queue no larger than the replay log that park reads on from, which retains 10 messages, got 20: whoever reads slowly would find the log trimmed before its queue is empty',
    ],
    [
      "hub: { classes: { a: { queue: { messages: 9 }, maxQueue: { messages: 5 } } } }",
      "spillway.yaml:1:33: hub.classes.a.queue.messages: expected a queue of at most maxQueue, which is 5 messages, got 9",
    ],
    [
      "hub: { escalation: [ { when: { stalledFor: 60s }, policy: evict }, { when: { stalledFor: 30s }, policy: conflate } ] }",
      "spillway.yaml:1:22: hub.escalation[0]: expected rungs from mild to strict, but rung 2 (stalledFor 30s: conflate) already holds whenever rung 1 (stalledFor 1m: evict) does: put them in order, or leave one out",
    ],
    [
      "metrics: { listen: '0.0.0.0:7070' }",
      "spillway.yaml:1:12: metrics.listen: expected another port than server.listen, which is 127.0.0.1:7070, got 0.0.0.0:7070",
    ],
  ];
  for (const [text, problem] of cases) {
    it(`are told in the words of the file: ${text}`, async () => {
      assert.deepEqual(await wrong(text), [problem]);
    });
  }

  it("are found in what all have, though each pattern mends it for its own topics", async () => {
    const text = 'hub: { watermarks: { high: 40% }, topics: { "*": { watermarks: { low: 10% } } } }';
    assert.deepEqual(await wrong(text), [
      "spillway.yaml:1:22: hub.watermarks.high: expected a low watermark of at most the high one, got low 0.5 and high 0.4",
    ]);
    await load(text.replace('"*"', '">"'));
  });

  it("are none where two listeners have other ports, other hosts, or any port", async () => {
    for (const [one, other] of [
      ["127.0.0.1:7070", "127.0.0.1:7071"],
      ["127.0.0.1:7070", "127.0.0.2:7070"],
      ["127.0.0.1:0", "127.0.0.1:0"],
    ]) {
      await load(`server: { listen: "${one}" }\nmetrics: { listen: "${other}" }`);
    }
  });

  it("are told beside what is wrong in another section", async () => {
    assert.deepEqual(await wrong("hub: { overflow: park }\nlog: { level: 5 }"), [
      "spillway.yaml:1:8: hub.overflow: park reads on from a replay log, and nothing is retained: set the option retention",
      "spillway.yaml:2:8: log.level: expected one of trace, debug, info, warn, error, fatal, silent, got 5",
    ]);
  });

  it("are found across sources, at the one that is said highest up", async () => {
    const environment = { SPILLWAY_HUB_WATERMARKS_LOW: "90%" };
    assert.deepEqual(await wrong("hub: { watermarks: { high: 0.8 } }", { environment }), [
      "SPILLWAY_HUB_WATERMARKS_LOW: hub.watermarks.low: expected a low watermark of at most the high one, got low 0.9 and high 0.8",
    ]);
  });
});
