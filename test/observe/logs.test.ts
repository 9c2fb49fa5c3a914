import assert from "node:assert/strict";
import { channel } from "node:diagnostics_channel";
import { Writable } from "node:stream";
import { describe, it } from "node:test";
import fc from "fast-check";
import { pino } from "pino";
import type { SubscriptionSituationEvent } from "../../src/diagnostics.ts";
import type { HubOptions } from "../../src/index.ts";
import { LOG_LINES } from "../../src/observe/log-lines.ts";
import { type LogEventsOptions, type Logger, logEvents } from "../../src/observe/logs.ts";
import { handHub } from "../support/engine.ts";
import { EVENT_NAMES } from "../support/events.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { runs } from "../support/property.ts";
import { ValveSink } from "../support/valve-sink.ts";

failOnLeaks();

type Fields = Readonly<Record<string, unknown>>;

/** A logger that keeps its lines: `warn a subscriber is slow …`, and the fields of each. */
class Recorder implements Logger {
  readonly lines: string[] = [];
  readonly fields: Fields[] = [];
  readonly debug = this.#method("debug");
  readonly info = this.#method("info");
  readonly warn = this.#method("warn");
  readonly error = this.#method("error");

  #method(level: string) {
    return (fields: object, message: string): void => {
      this.lines.push(`${level} ${message}`);
      this.fields.push(fields as Fields);
    };
  }

  /** `warn slow`, and `warn slow +7` for seven that were left out. */
  get brief(): string[] {
    return this.lines.map((line, index) => {
      const { event, suppressed } = this.fields[index] as { event: string; suppressed?: number };
      const name = event.slice(event.lastIndexOf(":") + 1);
      return `${line.split(" ")[0]} ${name}${suppressed === undefined ? "" : ` +${suppressed}`}`;
    });
  }
}

/** A hub whose events are logged, by the same clock, until the test is over. */
function loggedHub(options: HubOptions = {}, log: Logger = new Recorder(), more: LogEventsOptions = {}) {
  const { hub, clock } = handHub({
    queue: { messages: 4 },
    escalation: [],
    newcomerGraceMs: 0,
    recoveryMs: 1_000,
    stallTimeoutMs: 60_000,
    ...options,
  });
  const stop = logEvents(log, { hub, clock, ...more });
  return { hub, clock, stop };
}

function situation(more: Partial<SubscriptionSituationEvent> = {}): SubscriptionSituationEvent {
  return {
    epoch: "e",
    subscriptionId: "1",
    clientName: undefined,
    identity: undefined,
    class: undefined,
    state: "live",
    overflow: "drop-oldest",
    rung: 0,
    queued: 3,
    queuedBytes: 30,
    queue: { messages: 4, bytes: 100 },
    lagMs: 1,
    lagMessages: 3,
    lagBytes: 30,
    lost: 0,
    ...more,
  };
}

const tell = (name: string, event: object) => channel(`spillway:subscription:${name}`).publish(event);

describe("the log of a hub", () => {
  it("has a line for every event that there is", () => {
    assert.deepEqual(Object.keys(LOG_LINES).sort(), EVENT_NAMES.toSorted());
  });

  it("follows one slow subscriber from beginning to end, once per episode", () => {
    const log = new Recorder();
    const { hub, clock, stop } = loggedHub({}, log);
    const sink = new ValveSink();
    const subscription = hub.attach({ patterns: ["a"], clientName: "dash-1" }, sink);
    clock.turn();
    sink.valve = "shut";
    hub.publish("a", "");
    clock.turn();
    for (let count = 0; count < 40; count++) {
      hub.publish("a", "");
      clock.advance(250);
    }
    sink.openValve();
    clock.advance(2_000);
    subscription.end("unsubscribed");
    clock.settle();
    stop();
    assert.deepEqual(log.brief, [
      "debug started",
      "warn slow",
      "warn dropping",
      "info recovered",
      "info dropped",
      "info ended",
    ]);
    const ended = log.fields.at(-1) as Fields;
    assert.deepEqual(
      [ended.event, ended.subscriptionId, ended.clientName, ended.reason, ended.lost],
      ["spillway:subscription:ended", subscription.id, "dash-1", "unsubscribed", 36],
    );
  });

  it("warns of an eviction, and calls an end that cost nothing business as usual", () => {
    const log = new Recorder();
    const { hub, clock, stop } = loggedHub({}, log);
    hub.attach({ patterns: ["a"] }, new ValveSink()).end("unsubscribed");
    hub.attach({ patterns: ["a"] }, new ValveSink()).end("draining");
    hub.attach({ patterns: ["a"] }, new ValveSink()).end("stalled");
    hub.attach({ patterns: ["a"] }, new ValveSink()).end("failed");
    clock.settle();
    stop();
    assert.deepEqual(
      log.brief.filter((line) => line.endsWith("ended")),
      ["debug ended", "debug ended", "warn ended", "error ended"],
    );
  });

  it("does not call a subscriber recovered that was parked or has ended", () => {
    const log = new Recorder();
    const stop = logEvents(log, { clock: new ManualClock() });
    tell("recovered", { ...situation({ state: "parked" }), forMs: 5 });
    tell("recovered", { ...situation({ state: "ended" }), forMs: 5 });
    tell("recovered", { ...situation(), forMs: 5 });
    stop();
    assert.deepEqual(log.brief, ["debug recovered", "debug recovered", "info recovered"]);
  });

  it("warns of a rung up, not of one down, and leaves an eviction to the line about the end", () => {
    const log = new Recorder();
    const stop = logEvents(log, { clock: new ManualClock() });
    tell("escalated", { ...situation({ rung: 2 }), rungBefore: 0 });
    tell("escalated", { ...situation({ rung: 1 }), rungBefore: 2 });
    tell("escalated", { ...situation({ rung: 3, overflow: "evict" }), rungBefore: 1 });
    stop();
    assert.deepEqual(log.brief, ["warn escalated", "info escalated", "debug escalated"]);
  });

  it("is of one hub alone when that is asked", () => {
    const log = new Recorder();
    const { hub, clock, stop } = loggedHub({}, log);
    const other = handHub();
    other.hub.attach({ patterns: ["a"] }, new ValveSink()).end("stalled");
    other.clock.settle();
    hub.attach({ patterns: ["a"] }, new ValveSink()).end("unsubscribed");
    clock.settle();
    channel("spillway:hook-error").publish({ epoch: undefined, hook: "onStateChange", error: 1 });
    stop();
    assert.deepEqual(log.brief, ["debug started", "debug ended"]);
    assert.ok(log.fields.every(({ epoch }) => epoch === hub.epoch));
  });

  it("stops when it is told to, and leaves no listener behind", () => {
    const log = new Recorder();
    const { hub, clock, stop } = loggedHub({}, log);
    stop();
    stop();
    assert.deepEqual(
      EVENT_NAMES.filter((name) => channel(name).hasSubscribers),
      [],
    );
    hub.attach({ patterns: ["a"] }, new ValveSink()).end("stalled");
    clock.settle();
    assert.deepEqual(log.lines, []);
  });
});

describe("a flood of events", () => {
  it("ten thousand clients that turn slow at once are ten lines, and one that counts the others", () => {
    const log = new Recorder();
    const { hub, clock, stop } = loggedHub({}, log);
    const sinks = Array.from({ length: 10_000 }, () => new ValveSink());
    for (const sink of sinks) hub.attach({ patterns: ["a"] }, sink);
    clock.turn();
    for (const sink of sinks) sink.valve = "shut";
    hub.publish("a", "");
    clock.advance(20_000);
    log.lines.length = 0;
    log.fields.length = 0;
    for (let count = 0; count < 3; count++) hub.publish("a", "");
    clock.advance(9_000);
    const slow = () => log.brief.filter((line) => line.includes("slow"));
    assert.deepEqual(slow(), Array(10).fill("warn slow"));
    clock.advance(2_000);
    assert.deepEqual(slow(), [...Array(10).fill("warn slow"), "warn slow +9990"]);
    clock.advance(60_000);
    assert.equal(slow().length, 11);
    stop();
  });

  it("of one kind takes nothing from the others: an eviction is seen among any number of ends", () => {
    const log = new Recorder();
    const { hub, clock, stop } = loggedHub({}, log, { mostLines: 2 });
    for (let count = 0; count < 50; count++)
      hub.attach({ patterns: ["a"] }, new ValveSink()).end("cancelled");
    hub.attach({ patterns: ["a"] }, new ValveSink()).end("slow");
    for (let count = 0; count < 50; count++) hub.reportHookError("render", new Error("often"));
    hub.reportHookError("onEnd", new Error("once"));
    clock.settle();
    assert.deepEqual(
      log.brief.filter((line) => !line.includes("started")),
      [
        "error hook-error",
        "error hook-error",
        "error hook-error",
        "debug ended",
        "debug ended",
        "warn ended",
      ],
    );
    stop();
    const counted = log.brief.filter((line) => line.includes("+")).sort();
    assert.deepEqual(counted, ["debug ended +48", "debug started +49", "error hook-error +48"]);
    assert.equal(log.fields.find(({ suppressed }) => suppressed === 48)?.intervalMs, 10_000);
    assert.equal(log.fields.find(({ hook, suppressed }) => suppressed && hook)?.hook, "render");
  });

  it("of errors is counted under the whole name of what failed, however many words that has", () => {
    const log = new Recorder();
    const { hub, stop } = loggedHub({}, log, { mostLines: 1 });
    for (const hook of ["GetConfig of spillway.v1.Admin", "GetStats of spillway.v1.Admin", "render"]) {
      for (let count = 0; count < 3; count++) hub.reportHookError(hook, new Error("often"));
    }
    stop();
    const counted = log.fields.filter(({ suppressed }) => suppressed === 2).map(({ hook }) => hook);
    assert.deepEqual(counted, ["GetConfig of spillway.v1.Admin", "GetStats of spillway.v1.Admin", "render"]);
  });

  it("in any rhythm: at most so many lines in an interval, and every event is a line or counted", () => {
    const pauses = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 3_000 })), {
      minLength: 1,
      maxLength: 60,
    });
    fc.assert(
      fc.property(pauses, fc.integer({ min: 1, max: 4 }), fc.boolean(), (given, mostLines, blocked) => {
        const log = new Recorder();
        const clock = new ManualClock();
        const at: number[] = [];
        const stop = logEvents(log, { clock, mostLines, intervalMs: 1_000 });
        for (const ms of given) {
          if (blocked) clock.block(ms);
          else clock.advance(ms);
          const before = log.fields.filter(({ suppressed }) => suppressed === undefined).length;
          tell("slow", situation());
          const after = log.fields.filter(({ suppressed }) => suppressed === undefined).length;
          if (after > before) at.push(clock.now());
        }
        stop();
        const counted = log.fields.reduce((sum, { suppressed = 0 }) => sum + (suppressed as number), 0);
        assert.equal(at.length + counted, given.length);
        // Intervals begin with a line, so any stretch as long as one touches two at most.
        for (const time of at)
          assert.ok(at.filter((other) => other >= time && other < time + 1_000).length <= 2 * mostLines);
        assert.equal(clock.timers, 0);
      }),
      runs(300),
    );
  });

  it("is bounded by what was asked for, from one line on", () => {
    for (const bad of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      for (const name of ["mostLines", "intervalMs"])
        assert.throws(
          () => logEvents(new Recorder(), { [name]: bad }),
          new RangeError(`${name} must be a whole number of at least 1, got ${bad}`),
        );
    }
  });
});

describe("a logger that fails", () => {
  it("by throwing or rejecting harms neither the hub nor the lines that follow", async () => {
    const calls: string[] = [];
    const failing: Logger = {
      debug: () => calls.push("debug"),
      info: () => calls.push("info"),
      warn() {
        calls.push("warn");
        throw new Error("disk full");
      },
      error: async () => {
        calls.push("error");
        throw new Error("disk full, later");
      },
    };
    const { hub, clock, stop } = loggedHub({}, failing);
    const sink = new ValveSink();
    hub.attach({ patterns: ["a"] }, new ValveSink()).end("stalled");
    hub.attach({ patterns: ["a"] }, new ValveSink()).end("failed");
    hub.attach({ patterns: ["a"] }, sink).end("unsubscribed");
    clock.settle();
    // A rejection that nobody handled would fail this file.
    await new Promise((resolve) => setImmediate(resolve));
    stop();
    assert.deepEqual(calls, ["debug", "debug", "debug", "warn", "error", "debug"]);
    assert.equal(sink.ended?.reason, "unsubscribed");
  });

  it("is called as a method, so that a class may be one", () => {
    class Own {
      readonly seen: string[] = [];
      debug(_fields: object, message: string) {
        this.seen.push(message);
      }
      info() {}
      warn() {}
      error() {}
    }
    const own = new Own();
    const { hub, stop } = loggedHub({}, own);
    hub.attach({ patterns: ["a"] }, new ValveSink());
    stop();
    assert.deepEqual(own.seen, ["a subscription has started"]);
  });
});

/** A real logger, and the lines that it wrote. */
function pinoTo(level = "trace") {
  const lines: string[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  return { logger: pino({ level }, stream), lines };
}

describe("with pino", () => {
  it("every line is one JSON object, with the event's fields beside pino's own", () => {
    const { logger, lines } = pinoTo();
    const { hub, clock, stop } = loggedHub({}, logger);
    const sink = new ValveSink();
    const subscription = hub.attach({ patterns: ["a"], clientName: "dash-1" }, sink, { identity: "team-7" });
    subscription.end("stalled");
    clock.settle();
    stop();
    const [started, ended] = lines.map((line) => JSON.parse(line));
    assert.deepEqual(
      [started.level, started.msg, started.event, started.patterns, started.overflow],
      [20, "a subscription has started", "spillway:subscription:started", ["a"], "drop-oldest"],
    );
    assert.deepEqual(
      [ended.level, ended.subscriptionId, ended.identity, ended.reason, ended.dropped.overflow],
      [40, subscription.id, "team-7", "stalled", 0],
    );
  });

  it("whatever strangers call themselves stays inside its field, and the text is always the same", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (clientName, identity) => {
        const { logger, lines } = pinoTo();
        const stop = logEvents(logger, { clock: new ManualClock() });
        tell("slow", situation({ clientName, identity }));
        stop();
        assert.equal(lines.length, 1);
        assert.match(lines[0] as string, /^[^\n]*\n$/);
        const { msg, ...fields } = JSON.parse(lines[0] as string);
        assert.equal(msg, "a subscriber is slow: its queue is above the high watermark");
        assert.deepEqual(
          [fields.clientName, fields.identity],
          [clientName.toWellFormed(), identity.toWellFormed()],
        );
      }),
      runs(200),
    );
  });

  it("an error of a hook has its stack", () => {
    const { logger, lines } = pinoTo();
    const { hub, stop } = loggedHub({}, logger);
    hub.reportHookError("filter", new TypeError("no opinion"));
    stop();
    const { level, hook, err, msg } = JSON.parse(lines[0] ?? "");
    assert.deepEqual([level, hook, err.type, err.message], [50, "filter", "TypeError", "no opinion"]);
    assert.match(err.stack, /logs\.test/);
    assert.equal(msg, "a hook of the application failed and was contained");
  });

  const hostile = {
    "an error whose stack throws": Object.defineProperty(new Error("x"), "stack", {
      get() {
        throw new Error("no stack for you");
      },
    }),
    "an object that throws when it is printed": {
      toJSON() {
        throw new Error("no");
      },
    },
    "a symbol": Symbol("thrown"),
    nothing: undefined,
  };
  for (const [name, thrown] of Object.entries(hostile)) {
    it(`a hook that throws ${name} is still told`, () => {
      const { logger, lines } = pinoTo();
      const { hub, stop } = loggedHub({}, logger);
      hub.reportHookError("filter", thrown);
      stop();
      assert.equal(lines.length, 1);
      assert.equal(JSON.parse(lines[0] ?? "").hook, "filter");
    });
  }

  it("lines below its level are not written, whatever happens", () => {
    const { logger, lines } = pinoTo("warn");
    const { hub, clock, stop } = loggedHub({}, logger);
    for (let count = 0; count < 30; count++)
      hub.attach({ patterns: ["a"] }, new ValveSink()).end("cancelled");
    clock.advance(20_000);
    stop();
    assert.deepEqual(lines, []);
  });
});
