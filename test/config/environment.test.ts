import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadConfig } from "../../src/config/index.ts";
import { OPTIONS, variableOf } from "../../src/config/options.ts";
import { load, wrongWithoutFile } from "./sources.ts";

describe("the environment", () => {
  it("sets what its variables are named after", async () => {
    const { config } = await loadConfig({
      environment: {
        SPILLWAY_HUB_QUEUE_MESSAGES: "512",
        SPILLWAY_HUB_STALL_TIMEOUT: "5s",
        SPILLWAY_HUB_LINGER: "0",
        SPILLWAY_HUB_QUEUE_BYTES: " 64KiB ",
        SPILLWAY_HUB_ESCALATION: "[{ when: { lag: 2s }, policy: conflate }]",
        SPILLWAY_HUB_TOPICS: '{ "prices.>": { preset: live-state } }',
        SPILLWAY_HUB_RETENTION_LATEST_PER_KEY: "true",
        SPILLWAY_HUB_RETENTION_KEYS: "5",
        SPILLWAY_SERVER_LISTEN: "[::1]:7070",
        SPILLWAY_SERVER_LONGLIVED_TOPIC: "true",
        SPILLWAY_SERVER_FANOUT: "false",
        SPILLWAY_SERVER_CHANNEL_OPTIONS_GRPC_MAX_CONNECTION_AGE_MS: "1000",
        HOME: "/",
      },
    });
    assert.deepEqual(config, {
      hub: {
        queue: { messages: 512, bytes: 65_536 },
        stallTimeoutMs: 5_000,
        lingerMs: 0,
        escalation: [{ when: { lagMs: 2_000 }, policy: "conflate" }],
        topics: { "prices.>": { preset: "live-state" } },
        retention: { latestPerKey: true, keys: 5 },
      },
      server: {
        listen: "[::1]:7070",
        longlived: { topic: "true" },
        fanout: false,
        channelOptions: { "grpc.max_connection_age_ms": 1_000 },
      },
    });
  });

  it("has a variable of its own for every option", () => {
    const names = OPTIONS.map(({ path }) => variableOf(path));
    assert.equal(new Set(names).size, names.length);
    assert.ok(names.length > 60, `${names.length}`);
    for (const name of names) assert.match(name, /^SPILLWAY_[A-Z]+(_[A-Z0-9]+)+$/);
  });

  it("counts an empty variable as not set, and leaves the path of the file to the command", async () => {
    const environment = {
      SPILLWAY_HUB_LINGER: "",
      SPILLWAY_LOG_LEVEL: "  ",
      SPILLWAY_CONFIG: "x.yaml",
      SPILLWAY_HUB: undefined,
    };
    assert.deepEqual((await loadConfig({ environment })).config, {});
  });

  it("is refused with an unknown variable, and told the nearest", async () => {
    assert.deepEqual(
      await wrongWithoutFile({
        environment: {
          SPILLWAY_HUB_QUEUE_MESAGES: "5",
          SPILLWAY_QUEUE_MESSAGES: "5",
          SPILLWAY_HUB: "{}",
          SPILLWAY_COLOUR: "red",
        },
      }),
      [
        "SPILLWAY_COLOUR: no option has this variable; docs/configuration.md lists them",
        "SPILLWAY_HUB: no option has this variable; docs/configuration.md lists them",
        "SPILLWAY_HUB_QUEUE_MESAGES: no option has this variable; did you mean SPILLWAY_HUB_QUEUE_MESSAGES?",
        "SPILLWAY_QUEUE_MESSAGES: no option has this variable; did you mean SPILLWAY_HUB_QUEUE_MESSAGES?",
      ],
    );
  });

  it("may hold what Kubernetes sets beside a service called spillway", async () => {
    const environment = {
      SPILLWAY_SERVICE_HOST: "10.0.0.1",
      SPILLWAY_SERVICE_PORT: "7070",
      SPILLWAY_SERVICE_PORT_GRPC: "7070",
      SPILLWAY_PORT: "tcp://10.0.0.1:7070",
      SPILLWAY_PORT_7070_TCP: "tcp://10.0.0.1:7070",
      SPILLWAY_PORT_7070_TCP_PROTO: "tcp",
      SPILLWAY_PORT_7070_TCP_PORT: "7070",
      SPILLWAY_PORT_7070_TCP_ADDR: "10.0.0.1",
      SPILLWAY_METRICS_SERVICE_HOST: "10.0.0.2",
      SPILLWAY_METRICS_PORT: "tcp://10.0.0.2:9464",
    };
    assert.deepEqual((await loadConfig({ environment })).config, {});
    assert.deepEqual(await wrongWithoutFile({ environment: { SPILLWAY_SERVER_PORT: "7070" } }), [
      "SPILLWAY_SERVER_PORT: no option has this variable; did you mean SPILLWAY_SERVER_FANOUT?",
    ]);
  });

  it("is told what is wrong with a value, and with each part of it", async () => {
    assert.deepEqual(
      await wrongWithoutFile({
        environment: {
          SPILLWAY_HUB_STALL_TIMEOUT: "5",
          SPILLWAY_HUB_MAX_TOPICS: '"7"',
          SPILLWAY_HUB_RECOVERY: "null",
          SPILLWAY_HUB_ESCALATION: "[{ when: { lag: 2 }, policy: x }]",
          SPILLWAY_HUB_TOPICS: "{ a: {}, a: {}, __proto__: {} }",
          SPILLWAY_HUB_CLASSES: "{ a: 1",
        },
      }),
      [
        "SPILLWAY_HUB_CLASSES: hub.classes: not valid YAML: Flow map must end with a }",
        "SPILLWAY_HUB_ESCALATION: hub.escalation[0].when.lag: expected a time such as 250ms, 30s, 5m, 2h or 1d, got 2: a time needs a unit",
        'SPILLWAY_HUB_ESCALATION: hub.escalation[0].policy: expected one of drop-oldest, drop-newest, conflate, park, evict, got "x"',
        'SPILLWAY_HUB_MAX_TOPICS: hub.maxTopics: expected a whole number of at least 2, got "7"',
        "SPILLWAY_HUB_RECOVERY: hub.recovery: expected a time such as 250ms, 30s, 5m, 2h or 1d, got nothing",
        "SPILLWAY_HUB_STALL_TIMEOUT: hub.stallTimeout: expected a time such as 250ms, 30s, 5m, 2h or 1d, got 5: a time needs a unit",
        'SPILLWAY_HUB_TOPICS: hub.topics: the key "a" is said twice',
        "SPILLWAY_HUB_TOPICS: hub.topics.__proto__: this key is not allowed",
      ],
    );
  });

  it("is refused when one variable switches off what another is a part of", async () => {
    const environment = { SPILLWAY_HUB_RETENTION: "false", SPILLWAY_HUB_RETENTION_MESSAGES: "5" };
    assert.deepEqual(await wrongWithoutFile({ environment }), [
      "SPILLWAY_HUB_RETENTION_MESSAGES: hub.retention.messages: expected hub.retention to be a map, but SPILLWAY_HUB_RETENTION is false",
    ]);
  });
});

describe("the sources together", () => {
  const text = `
hub:
  queue: { messages: 100, bytes: 1MiB }
  linger: 5ms
  escalation: [ { when: { lag: 2s }, policy: conflate }, { when: { lag: 9s }, policy: evict } ]
  retention: { messages: 10, bytes: 2KiB }
  topics:
    "a.>": { linger: 1ms, queue: { messages: 7 } }
    "b.>": { linger: 2ms }
  classes:
    gold: { match: { labels: { tier: gold } } }
`;

  it("count value by value: code before the environment before the file; lists as a whole", async () => {
    const { config } = await load(text, {
      environment: {
        SPILLWAY_HUB_QUEUE_MESSAGES: "200",
        SPILLWAY_HUB_LINGER: "6ms",
        SPILLWAY_HUB_ESCALATION: "[{ when: { lag: 3s }, policy: evict }]",
        SPILLWAY_HUB_RETENTION_AGE: "10m",
        SPILLWAY_HUB_TOPICS: '{ "a.>": { queue: { bytes: 1KiB } }, "c.>": { linger: 3ms } }',
        SPILLWAY_HUB_CLASSES: "{ gold: { match: { labels: { region: eu } } } }",
      },
      code: { hub: { lingerMs: 7, topics: { "a.>": { lingerMs: 8 } } } },
    });
    assert.deepEqual(config.hub, {
      queue: { messages: 200, bytes: 1_048_576 },
      lingerMs: 7,
      escalation: [{ when: { lagMs: 3_000 }, policy: "evict" }],
      retention: { messages: 10, bytes: 2_048, ageMs: 600_000 },
      topics: {
        "a.>": { lingerMs: 8, queue: { messages: 7, bytes: 1_024 } },
        "b.>": { lingerMs: 2 },
        "c.>": { lingerMs: 3 },
      },
      classes: { gold: { match: { labels: { tier: "gold", region: "eu" } } } },
    });
  });

  it("replace retention when they mean its other form", async () => {
    const latest = { SPILLWAY_HUB_RETENTION_LATEST_PER_KEY: "true", SPILLWAY_HUB_RETENTION_KEYS: "5" };
    const { config } = await load(text, { environment: latest });
    assert.deepEqual(config.hub?.retention, { latestPerKey: true, keys: 5 });
    const off = await load(text, { code: { hub: { retention: false } } });
    assert.equal(off.config.hub?.retention, false);
    const on = await load("hub: { retention: false }", {
      environment: { SPILLWAY_HUB_RETENTION_MESSAGES: "5" },
    });
    assert.deepEqual(on.config.hub?.retention, { messages: 5 });
    const more = await load("hub: { retention: { latestPerKey: true } }", {
      environment: { SPILLWAY_HUB_RETENTION_KEYS: "5" },
    });
    assert.deepEqual(more.config.hub?.retention, { latestPerKey: true, keys: 5 });
  });

  it("still say of every value where it was said", async () => {
    const { origins } = await load(text, {
      environment: { SPILLWAY_HUB_QUEUE_MESSAGES: "200", SPILLWAY_HUB_TOPICS: '{ "a.>": { linger: 4ms } }' },
      code: { hub: { maxTopics: 5 } },
    });
    const of = (...path: (string | number)[]) => origins.of(path)?.text;
    assert.equal(of("hub", "queue", "messages"), "SPILLWAY_HUB_QUEUE_MESSAGES");
    assert.equal(of("hub", "queue", "bytes"), "spillway.yaml:3:27");
    assert.equal(of("hub", "topics", "a.>", "linger"), "SPILLWAY_HUB_TOPICS");
    assert.equal(of("hub", "topics", "a.>", "queue", "messages"), "spillway.yaml:8:36");
    assert.equal(of("hub", "escalation", 1, "when", "lag"), "spillway.yaml:5:68");
    assert.equal(of("hub", "maxTopics"), "code");
    assert.equal(of("hub", "maxSubscriptions"), undefined);
    assert.equal(of("server"), undefined);
    assert.deepEqual(origins.of(["hub", "linger"]), {
      source: "file",
      text: "spillway.yaml:4:3",
      line: 4,
      column: 3,
    });
  });

  it("are each told what is wrong with them, also where another says it right", async () => {
    assert.deepEqual(
      await wrongWithoutFile({
        environment: { SPILLWAY_HUB_LINGER: "5" },
        code: { hub: { lingerMs: 5, maxTopics: -1, recoveryMs: Number.NaN }, log: { levl: "info" } } as never,
      }),
      [
        "SPILLWAY_HUB_LINGER: hub.linger: expected a time such as 250ms, 30s, 5m, 2h or 1d, got 5: a time needs a unit",
        "code: log.levl: unknown option; did you mean level?",
        "code: hub.recovery: expected a time from 0 to 24.8 days, got NaN",
        "code: hub.maxTopics: expected a whole number of at least 2, got -1",
      ],
    );
  });
});

describe("code", () => {
  it("has names and units of its own, and those of the file are no options there", async () => {
    const given = {
      stallTimeout: 5,
      escalation: [{ when: { lag: 5 }, policy: "evict" }],
      topics: { a: { linger: 1 } },
      classes: JSON.parse('{ "__proto__": {} }'),
    };
    assert.deepEqual(await wrongWithoutFile({ code: { hub: given } as never }), [
      "code: hub.stallTimeout: unknown option; did you mean stallTimeoutMs?",
      "code: hub.escalation[0].when.lag: unknown option; did you mean lagMs?",
      "code: hub.topics.a.linger: unknown option; did you mean lingerMs?",
      "code: hub.classes.__proto__: this key is not allowed",
    ]);
  });

  it("may leave out by undefined, and is not changed", async () => {
    const code = Object.freeze({
      hub: Object.freeze({ lingerMs: undefined, maxAgeMs: Number.POSITIVE_INFINITY }),
      server: undefined,
    });
    assert.deepEqual((await loadConfig({ code: code as never })).config, {
      hub: { maxAgeMs: Number.POSITIVE_INFINITY },
    });
  });
});
