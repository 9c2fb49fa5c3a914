import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer, Server } from "node:http";
import { connect } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { promisify } from "node:util";
import parse from "parse-prometheus-text-format";
import { AggregatorRegistry, Gauge, type OpenMetricsContentType, Registry } from "prom-client";
import type { HubStats } from "../../src/index.ts";
import {
  type ObservedHubs,
  prometheusMetrics,
  type ServeMetricsOptions,
  serveMetrics,
} from "../../src/observe/index.ts";
import { handHub } from "../support/engine.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { ValveSink } from "../support/valve-sink.ts";
import { busyHub, type Figures, figureKey, prometheusFigures } from "./busy-hub.ts";

failOnLeaks();

async function served(t: TestContext, hubs: ObservedHubs, options: Partial<ServeMetricsOptions> = {}) {
  const server = await serveMetrics(hubs, { listen: "127.0.0.1:0", ...options });
  t.after(() => server.close());
  return { server, url: `http://${server.address}/metrics` };
}

async function scrape(url: string): Promise<string> {
  const response = await fetch(url);
  assert.equal(response.status, 200);
  return response.text();
}

/** Every line of a scrape that is one of ours. */
function figuresIn(text: string): Figures {
  const figures = new Map<string, number>();
  const add = (name: string, labels: object, value: string | undefined) =>
    void figures.set(figureKey(name, { ...labels }), Number(value));
  for (const { name, metrics } of parse(text)) {
    if (!name.startsWith("spillway_")) continue;
    for (const { labels = {}, value, buckets, sum, count } of metrics) {
      if (buckets === undefined) {
        add(name, labels, value);
        continue;
      }
      for (const [le, upTo] of Object.entries(buckets)) add(`${name}_bucket`, { ...labels, le }, upTo);
      add(`${name}_sum`, labels, sum);
      add(`${name}_count`, labels, count);
    }
  }
  return figures;
}

function inOrder(figures: Figures): [string, number][] {
  return [...figures].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** A hub whose statistics were asked for so many times. */
function counted(hub: { stats(): HubStats }) {
  const observed = {
    asked: 0,
    stats() {
      observed.asked++;
      return hub.stats();
    },
  };
  return observed;
}

describe("a scrape by Prometheus", () => {
  it("over HTTP is what the hub's books say at that moment, figure by figure", async (t) => {
    const { hub } = await busyHub();
    const { url } = await served(t, hub);
    const response = await fetch(url);
    assert.equal(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    const text = await response.text();
    const expected = prometheusFigures(hub.stats());
    assert.deepEqual(inOrder(figuresIn(text)), inOrder(expected));
    const idle = [...expected].filter(([, value]) => value === 0).map(([name]) => name);
    assert.deepEqual(
      idle.filter((name) => !/reason="|_bucket|state="(draining|off|paced)"/.test(name)),
      [],
      "there is something in every figure, so that a wrong one is found out",
    );
  });

  it("names the kind of every metric, and says what it means", async (t) => {
    const { hub } = handHub();
    const { url } = await served(t, hub);
    const families = parse(await scrape(url)).filter(({ name }) => name.startsWith("spillway_"));
    const kinds = (type: string) => families.filter((family) => family.type === type);
    assert.ok(families.every(({ help }) => help.endsWith(".")));
    assert.ok(kinds("COUNTER").every(({ name }) => name.endsWith("_total")));
    assert.deepEqual(
      kinds("HISTOGRAM").map(({ name }) => name),
      ["spillway_delivery_lag_seconds", "spillway_batch_size", "spillway_loop_lateness_seconds"],
    );
    assert.equal(kinds("COUNTER").length + kinds("GAUGE").length + 3, families.length);
  });

  it("asks the hub once", async (t) => {
    const observed = counted(handHub().hub);
    const { url } = await served(t, observed);
    await scrape(url);
    assert.equal(observed.asked, 1);
    await scrape(url);
    assert.equal(observed.asked, 2, "and again the next time");
  });

  it("has no more series for a thousand topics and a thousand subscribers, and names none of them", async (t) => {
    const { hub, clock } = handHub();
    const { url } = await served(t, hub);
    const series = async () => [...figuresIn(await scrape(url)).keys()].sort();
    const before = await series();
    for (let count = 0; count < 1_000; count++) {
      const request = { patterns: [`topic-${count}`, ">"], clientName: `client-${count}` };
      hub.attach(request, new ValveSink({ valve: count % 2 === 0 ? "open" : "shut" }));
    }
    for (let count = 0; count < 1_000; count++) hub.publish(`topic-${count}`, "", { key: `key-${count}` });
    clock.advance(10_000);
    assert.deepEqual(await series(), before);
    const text = await scrape(url);
    assert.doesNotMatch(text, /topic-|client-|key-/);
    for (const { id } of hub.subscriptions()) assert.ok(!text.includes(id));
  });

  it("tells several hubs apart by the name that they are given, and looks for them every time", async (t) => {
    const [prices, orders] = [handHub().hub, handHub().hub];
    for (let count = 0; count < 3; count++) orders.publish("a", "");
    const hubs: Record<string, typeof prices> = { prices, 'the "orders"': orders };
    const { url } = await served(t, hubs);
    const published = async () => {
      const { metrics } = parse(await scrape(url)).find(
        ({ name }) => name === "spillway_messages_published_total",
      )!;
      return metrics.map(({ labels, value }) => [labels?.hub, value]);
    };
    assert.deepEqual(await published(), [
      ["prices", "0"],
      ['the "orders"', "3"],
    ]);
    const text = await scrape(url);
    assert.match(text, /spillway_batch_size_bucket\{hub="prices",le="1"\} 0\n/);
    delete hubs.prices;
    assert.deepEqual(await published(), [['the "orders"', "3"]]);
  });
});

describe("the metrics in a registry", () => {
  it("stay the hub's own when the registry forgets its figures", async () => {
    const { hub } = handHub();
    hub.publish("a", "");
    const register = new Registry();
    prometheusMetrics(hub, register);
    register.resetMetrics();
    assert.match(await register.metrics(), /^spillway_messages_published_total 1$/m);
  });

  it("are refused a second time as a whole, and can be taken out again", async () => {
    const { hub } = handHub();
    const register = new Registry();
    new Gauge({ name: "spillway_topics_known", help: "somebody else's", registers: [register] });
    assert.throws(() => prometheusMetrics(hub, register), /TypeError: .*spillway_topics_known already/);
    assert.equal(register.getMetricsAsArray().length, 1);
    register.clear();
    const remove = prometheusMetrics(hub, register);
    assert.throws(() => prometheusMetrics(hub, register), TypeError);
    remove();
    assert.deepEqual(register.getMetricsAsArray(), []);
    prometheusMetrics(hub, register);
    remove();
    assert.ok(register.getMetricsAsArray().length > 30, "those of somebody else stay");
  });

  it("are written as OpenMetrics where the registry does", async () => {
    const { hub } = await busyHub();
    const register = new Registry<OpenMetricsContentType>();
    register.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
    const remove = prometheusMetrics(hub, register);
    for (let scrape = 0; scrape < 2; scrape++) {
      const text = await register.metrics();
      assert.match(text, /^# TYPE spillway_messages_dropped counter$/m);
      assert.match(text, /^spillway_messages_dropped_total\{reason="oversize"\} 14$/m);
      assert.match(text, /^spillway_delivery_lag_seconds_bucket\{le="\+Inf"\} \d+$/m);
      assert.ok(text.endsWith("\n# EOF\n"));
      assert.doesNotMatch(text, /_total_total/);
    }
    remove();
    assert.deepEqual(register.getMetricsAsArray(), []);
  });

  it("of the workers of a cluster are added up where a sum means something", async () => {
    const { hub } = await busyHub();
    const register = new Registry();
    prometheusMetrics(hub, register);
    // As they are sent from a worker.
    const sent = () => register.getMetricsAsJSON() as Promise<object[]>;
    const cluster = AggregatorRegistry.aggregate([await sent(), await sent()]);
    const figures = figuresIn(await cluster.metrics());
    for (const [name, value] of prometheusFigures(hub.stats())) {
      const alone = /_backlog_age_|_brake/.test(name);
      const [least, most] = [(alone ? 1 : 2) * value * 0.999, (alone ? 1 : 2) * value * 1.001];
      const read = figures.get(name) ?? Number.NaN;
      assert.ok(read >= least && read <= most, `${name}: ${read} of twice ${value}`);
    }
  });
});

describe("the server of the metrics", () => {
  it("has nothing but the metrics, and those for reading only", async (t) => {
    const { url } = await served(t, handHub().hub);
    for (const path of ["/", "/metrics/", "/metric", "/%6detrics", "/metrics%00"])
      assert.equal((await fetch(new URL(path, url))).status, 404, path);
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
      const body = method === "POST" ? "x".repeat(100_000) : null;
      const refused = await fetch(url, { method, body });
      assert.deepEqual([refused.status, refused.headers.get("allow")], [405, "GET, HEAD"]);
    }
    assert.equal((await fetch(`${url}?name=x`)).status, 200);
    const head = await fetch(url, { method: "HEAD" });
    assert.deepEqual([head.status, await head.text()], [200, ""]);
  });

  it("serves the process's own metrics too, unless it is given a registry", async (t) => {
    const { hub } = handHub();
    const process = await served(t, hub);
    assert.match(await scrape(process.url), /^process_resident_memory_bytes \d+$/m);
    const register = new Registry();
    new Gauge({ name: "ours", help: "ours", registers: [register] }).set(5);
    const given = await served(t, hub, { register });
    const text = await scrape(given.url);
    assert.match(text, /^ours 5$/m);
    assert.doesNotMatch(text, /^process_/m);
    await given.server.close();
    assert.equal(register.getMetricsAsArray().length, 1, "it takes its own out again");
  });

  it("says what to do when it cannot listen", async (t) => {
    const holder = createServer().listen(0, "127.0.0.1");
    await once(holder, "listening");
    t.after(() => holder.close());
    const { port } = holder.address() as { port: number };
    const register = new Registry();
    const listening = (listen: string) => serveMetrics(handHub().hub, { listen, register });
    await assert.rejects(listening(`127.0.0.1:${port}`), {
      code: "ADDRESS_UNAVAILABLE",
      message: /in use; stop the other process, or choose another port/,
    });
    await assert.rejects(listening("9464"), { code: "ADDRESS_INVALID" });
    assert.deepEqual(register.getMetricsAsArray(), []);
  });

  it("closes once, and is gone then", async () => {
    const { hub } = handHub();
    const server = await serveMetrics(hub, { listen: "127.0.0.1:0" });
    assert.equal(server.address, `127.0.0.1:${server.port}`);
    await scrape(`http://${server.address}/metrics`);
    const closed = server.close();
    assert.equal(server.close(), closed);
    assert.equal(server[Symbol.asyncDispose](), closed);
    await closed;
    await assert.rejects(fetch(`http://${server.address}/metrics`));
    assert.equal(hub.closing, false);
  });

  it("waits for a request that never ends for no longer than its grace", async (t) => {
    const cut = t.mock.method(Server.prototype, "closeAllConnections").mock;
    const clock = new ManualClock();
    const { server } = await served(t, handHub().hub, { clock });
    const socket = connect(server.port, "127.0.0.1");
    t.after(() => socket.destroy());
    socket.write("GET /metrics HTTP/1.1\r\nHost: here\r\n");
    // An answer to another request: by then the half one has been read too.
    await scrape(`http://${server.address}/metrics`);
    const gone = once(socket, "close");
    socket.on("error", () => {});
    const closed = server.close();
    clock.advance(999);
    assert.equal(cut.callCount(), 0);
    clock.advance(1);
    assert.equal(cut.callCount(), 1);
    await Promise.all([closed, gone]);
    assert.equal(clock.timers, 0);
  });

  it("answers a scrape that fails with 500, reports the first of a row, and goes on", async (t) => {
    const register = new Registry();
    let broken = true;
    const collect = () => {
      if (broken) throw new Error("no figure");
    };
    new Gauge({ name: "theirs", help: "theirs", registers: [register], collect });
    const errors: unknown[] = [];
    const onError = (error: unknown) => {
      errors.push(error);
      if (errors.length === 1) throw new Error("the log is broken too");
    };
    const warned = once(process, "warning");
    const { url } = await served(t, handHub().hub, { register, onError });
    const statuses = async () => [(await fetch(url)).status, (await fetch(url)).status];
    assert.deepEqual(await statuses(), [500, 500]);
    assert.equal(errors.length, 1);
    assert.match(String(await warned), /a scrape of the metrics failed: Error: the log is broken too/);
    broken = false;
    assert.deepEqual(await statuses(), [200, 200]);
    broken = true;
    assert.deepEqual(await statuses(), [500, 500]);
    assert.equal(errors.length, 2);
    assert.doesNotMatch(await (await fetch(url)).text(), /no figure/);
  });

  it("says which package is missing, and is imported without it", async () => {
    // As Node says it of a package that is not installed.
    const hooks = `export function resolve(specifier, context, next) {
      if (!/^(prom-client|@opentelemetry)/.test(specifier)) return next(specifier, context);
      const missing = new Error("Cannot find package '" + specifier + "' imported from here");
      throw Object.assign(missing, { code: "ERR_MODULE_NOT_FOUND" });
    }`;
    const program = `
      import { register } from "node:module";
      register("data:text/javascript," + encodeURIComponent(${JSON.stringify(hooks)}));
      const { Hub } = await import("spillway");
      await import("spillway/metrics/opentelemetry");
      const { serveMetrics } = await import("spillway/metrics/prometheus");
      await serveMetrics(new Hub(), { listen: "127.0.0.1:0" }).catch(({ code, message }) => console.log(code, message));
    `;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ["--input-type=module", "--eval", program],
      {
        cwd: import.meta.dirname,
      },
    );
    assert.equal(
      stdout,
      "PACKAGE_MISSING serving metrics needs the package prom-client: npm install prom-client\n",
    );
  });
});
