import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, describe, it } from "node:test";
import { contentsOf } from "../../../bench/report/contents.ts";
import { renderHtml } from "../../../bench/report/html.ts";
import { headlineTable, writeReport } from "../../../bench/report/index.ts";
import { renderMarkdown } from "../../../bench/report/markdown.ts";
import { gather } from "../../../bench/report/material.ts";
import { draw } from "../../../bench/report/plots/index.ts";
import { linksFrom } from "../../../bench/report/write.ts";
import type { Results } from "../../../bench/results.ts";
import { cell, fullResults, LOAD, results, trial } from "./synthetic.ts";
import { xmlProblem } from "./xml.ts";

const NASTY = `<img src=x onerror="alert(1)"> & 'a' | \`b\` *c* [d](e)\n# f`;
const folder = await mkdtemp(join(tmpdir(), "spillway-report-"));
after(() => rm(folder, { recursive: true }));

/** What may come: nothing, a single cell, no trial that counts, zeros, nothing received, names that look like markup. */
const ODD: Readonly<Record<string, Results>> = {
  full: fullResults(),
  empty: results(),
  single: results({
    cells: [cell("one", { load: { ...LOAD, slow: 10, slowKind: "sigstop" }, trials: [trial()] })],
  }),
  invalid: results({
    cells: [
      cell("control", { trials: [trial({ problems: ["books do not balance"] })] }),
      cell("beside", {
        load: { ...LOAD, slow: 1, slowKind: "sigstop" },
        control: "control",
        trials: [trial()],
      }),
    ],
  }),
  nothing: results({
    cells: ["tax", "cpu", "memory", "recovery", "policy", "other"].flatMap((scenario) => [
      cell(`${scenario}/none`, { scenario }),
      cell(`${scenario}/zero`, {
        scenario,
        load: { ...LOAD, slow: 1, slowKind: "sigstop" },
        control: `${scenario}/none`,
        trials: [
          trial({
            samples: 0,
            received: 0,
            expected: 0,
            cpuMicros: 0,
            timeline: [{ atMs: 0 }, { atMs: 100, rssBytes: 0, p99: 0 }],
            events: [{ atMs: 50, what: "stopped" }],
            extra: { stalenessP99Ms: 0, idleHeapBytes: 0 },
          }),
        ],
      }),
    ]),
    micro: [{ name: "m", operation: "o", rows: [{ name: "r", nanoseconds: 0, marginPercent: Number.NaN }] }],
  }),
  apart: results({
    cells: [
      cell("fast", { load: { ...LOAD, slow: 1, slowKind: "sigstop" }, trials: [trial({ middle: 700 })] }),
      cell("slow", {
        system: "sequential-await",
        load: { ...LOAD, slow: 1, slowKind: "sigstop" },
        trials: [trial({ middle: 1_700_000 })],
      }),
    ],
  }),
  nasty: results({
    command: NASTY,
    systems: [{ name: NASTY, kind: "peer", about: NASTY, unavailable: NASTY }],
    cells: [
      cell(NASTY, {
        system: NASTY,
        variant: NASTY,
        load: { ...LOAD, slow: 1, slowKind: "sigstop" },
        trials: [trial({ problems: [NASTY] }), trial({ block: 1, extra: { [NASTY]: 3 } })],
      }),
      cell("unknown scenario", { scenario: NASTY, trials: [trial()] }),
    ],
    micro: [{ name: NASTY, operation: NASTY, rows: [{ name: NASTY, nanoseconds: 4, marginPercent: 1 }] }],
  }),
};

const rendered = new Map<Results, ReturnType<typeof renderAgain>>();

function render(given: Results) {
  const known = rendered.get(given) ?? renderAgain(given);
  rendered.set(given, known);
  return known;
}

function renderAgain(given: Results) {
  const material = gather([given]);
  const plots = draw(material);
  const blocks = contentsOf(material, plots);
  return {
    plots,
    html: renderHtml(blocks),
    markdown: renderMarkdown(blocks, (name) => `plots/${name}.svg`),
    terminal: headlineTable(given, { colours: false }),
  };
}

describe("a report", () => {
  for (const [name, given] of Object.entries(ODD)) {
    it(`says nothing that is no figure: ${name}`, () => {
      const { html, markdown, terminal, plots } = render(given);
      for (const text of [html, markdown, terminal, ...plots.map(({ svg }) => svg)]) {
        const found = /.{0,60}(undefined|NaN|Infinity|\[object|null(?! sink)).{0,20}/.exec(text);
        assert.equal(found?.[0], undefined);
      }
    });

    it(`has plots that are well-formed, with a title: ${name}`, () => {
      for (const { svg, name: plot } of render(given).plots) {
        assert.equal(xmlProblem(svg), undefined, plot);
        assert.match(svg, /^<svg [^>]*role="img"><title>[^<]+<\/title>/);
      }
    });
  }

  it("has every plot that there is data for, each with units on its axes", () => {
    const units: Readonly<Record<string, readonly RegExp[]>> = {
      "latency-by-percentile": [/>99\.9 %</, />\d+ (ms|µs)</, />\d+ s</],
      "tax-by-system": [/>1,000×</, />slow clients</],
      "tax-by-kind": [/>1×</, />slow clients</],
      "latency-over-time": [/\(s\)</, />\d+ ms</, />clients frozen</],
      "memory-over-time": [/\(MB\)</, /\(s\)</],
      "cpu-by-waiting": [/\(µs, log\)</, />64</],
      policies: [/\(%\)</, />140 ms</],
    };
    const { plots } = render(fullResults());
    assert.deepEqual(
      plots.map(({ name }) => name),
      Object.keys(units),
    );
    for (const { name, svg } of plots) {
      for (const unit of units[name]!) assert.match(svg, unit, name);
    }
  });

  it("has plots that are the same every time, whatever was drawn before", () => {
    const first = render(fullResults()).plots;
    renderAgain(ODD.single!);
    assert.deepEqual(renderAgain(fullResults()).plots, first);
  });

  it("draws a system in the same colour everywhere", () => {
    for (const { name, svg } of render(fullResults()).plots) {
      if (name === "tax-by-kind") continue;
      assert.ok(svg.includes("#0072B2"), name);
      if (name !== "policies") assert.ok(svg.includes("#D55E00"), name);
    }
  });

  it("escapes what comes from results", () => {
    const { html, markdown } = render(ODD.nasty!);
    assert.ok(!html.includes("<img"));
    assert.ok(html.includes("&lt;img src=x onerror=&quot;alert(1)&quot;&gt;"));
    const outsideCode = markdown.replace(/^```sh$[\s\S]*?^```$/m, "");
    assert.ok(!/(?<!\\)<img/.test(outsideCode));
    assert.ok(!/^# f/m.test(outsideCode));
    const rows = outsideCode.split("\n").filter((line) => line.startsWith("|"));
    for (const [index, row] of rows.entries()) {
      if (!/^\| -/.test(rows[index + 1] ?? "")) continue;
      const columns = (line: string): number => line.split(/(?<!\\)\|/).length;
      for (let at = index; at < rows.length && rows[at] !== undefined; at++) {
        if (at > index + 1 && /^\| -/.test(rows[at + 1] ?? "")) break;
        assert.equal(columns(rows[at]!), columns(row), rows[at]);
      }
    }
  });

  it("is one file that asks for nothing else", () => {
    const { html } = render(fullResults());
    assert.ok(!/<script|<link|<img|@import|url\((?!#)|(?:src|href)="(?!#)/i.test(html), "no request");
    assert.equal(html.match(/<svg /g)?.length, 7);
    const ids = [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    assert.equal(new Set(ids).size, ids.length, "ids of several plots are kept apart");
  });

  it("says in Markdown and in HTML the same", () => {
    const { html, markdown } = render(fullResults());
    for (const said of [
      "could not run: nats-server is not on the PATH",
      "✓ met",
      "1 of 5 trials do not count",
      "0123abc",
    ]) {
      assert.ok(html.includes(said), `HTML: ${said}`);
      assert.ok(markdown.includes(said), `Markdown: ${said}`);
    }
    assert.match(markdown, /books do not balance: 2 \\<more\\> \\\| "than" there are/);
  });

  it("counts its verdicts, each kind by itself, and explains them", () => {
    const { markdown } = render(fullResults());
    assert.match(markdown, /\d+ met, \d+ missed, \d+ undecided, \d+ stated, \d+ not measured\./);
    assert.match(markdown, /undecided: it was measured, and its spread does not exclude/);
  });

  it("names the machine, the versions, the commit and the command", () => {
    const { markdown } = render(fullResults());
    for (const said of [
      "Synthetic 3000",
      "2 cores",
      "Linux 6.1",
      "v20.20.2",
      "1.14.7",
      "`0123abc`",
      "--seed 7",
    ]) {
      assert.ok(markdown.includes(said), said);
    }
  });

  it("lists what does not count and what was repeated, with the reasons", () => {
    const again = { ...trial({ block: 1 }), firstAttempt: ["the machine slept"] };
    const { markdown } = render(results({ cells: [cell("tax/a", { trials: [trial(), again] })] }));
    assert.match(markdown, /\| tax\/a \| 1 \| repeated once, counts \| first attempt: the machine slept \|/);
    assert.match(render(ODD.single!).markdown, /All trials count, at the first attempt/);
    assert.doesNotMatch(markdown, /All trials count/);
  });

  it("says in the CPU table when systems were offered different rates", () => {
    const cpu = (system: string, rate: number) =>
      cell(`cpu/${system}`, {
        scenario: "cpu",
        system,
        load: { ...LOAD, burst: 16, rate },
        trials: [trial()],
      });
    const { terminal } = render(results({ cells: [cpu("spillway", 1_600), cpu("fire-and-forget", 200)] }));
    assert.match(terminal, /With 16 waiting, 1,600 messages\/s were offered, but 200 to fire-and-forget\./);
  });

  it("relates a cost to ours at the same rate, and to nothing where there is none", () => {
    const cpu = (id: string, rate: number, cpuMicros: number) =>
      cell(`cpu/${id}`, {
        scenario: "cpu",
        system: id.split(" ")[0]!,
        ...(id.includes("busy") && { variant: "busy" }),
        load: { ...LOAD, burst: 16, rate },
        trials: [trial({ cpuMicros })],
      });
    const { terminal } = render(
      results({
        cells: [
          cpu("spillway", 500, 4e6),
          cpu("spillway busy", 1_600, 2e6),
          cpu("http2", 500, 8e6),
          cpu("http2 busy", 1_600, 6e6),
          cpu("fire-and-forget", 200, 8e6),
        ],
      }),
    );
    assert.match(terminal, /^http2 +16\.0 +2\.00×$/m);
    assert.match(terminal, /^http2 busy +12\.0 +3\.00×$/m);
    assert.match(terminal, /^fire-and-forget +16\.0 +·$/m);
  });

  it("says of how many messages percentiles are", () => {
    assert.match(render(fullResults()).markdown, /of 20,000 to 25,000 distinct messages/);
    const few = results({ cells: [cell("tax/a", { trials: [trial({ expected: 99_900 })] })] });
    assert.match(render(few).terminal, /of 999 distinct messages/);
    assert.match(render(few).terminal, /n\/a/);
  });

  it("says of times and taxes of what never came that they are the least", () => {
    const { markdown } = render(fullResults());
    const row = markdown.split("\n").find((line) => /sequential-await.*10 SIGSTOP/.test(line));
    assert.match(row ?? "", /≥ [\d,]+.*≥ [\d,]+× never delivered/);
    assert.doesNotMatch(markdown, /http2 .*≥ \d/);
  });

  it("names no system in the table of the tax that was not to be measured there", () => {
    const table = (cells: Results["cells"]) => render(results({ cells })).terminal.split("Goals")[0]!;
    const measured = cell("tax/a", { trials: [trial()] });
    assert.doesNotMatch(table([measured]), /nats/);
    const absent = cell("tax/n", { system: "nats", unavailable: "not on the PATH" });
    assert.match(table([measured, absent]), /could not run: not on the PATH/);
  });

  it("warns when the checkout had changes", () => {
    const given = results();
    const changed = { ...given, environment: { ...given.environment, commit: "0123abc+" } };
    assert.match(render(changed).markdown, /changes that the commit does not show/);
    assert.doesNotMatch(render(given).markdown, /changes that the commit does not show/);
  });

  it("is written with its plots beside it, and links to them", async () => {
    const target = join(folder, "written");
    const { html, markdown, plots } = await writeReport(fullResults(), target);
    assert.equal(plots.length, 7);
    const text = await readFile(markdown, "utf8");
    for (const plot of plots) {
      assert.equal(xmlProblem((await readFile(plot, "utf8")).trim()), undefined);
      assert.ok(text.includes(`](${basename(plot)})`), plot);
    }
    assert.match(await readFile(html, "utf8"), /^<!doctype html>/);
    assert.equal(linksFrom("BENCHMARKS.md", "bench/results")("a"), "bench/results/a.svg");
  });
});
