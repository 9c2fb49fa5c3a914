/**
 * Keeps the rules of the house by reading the import lines of `src/`: which room may use which, and by which door.
 * A room that does not exist yet breaks no rule.
 */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import * as defaults from "../src/defaults.ts";

/** The checkout: this file runs compiled, two folders further down than it lies. */
const root = findRoot(dirname(fileURLToPath(import.meta.url)));
const src = join(root, "src");

/** What each room may use beside itself. A room that is not listed here needs its place first. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  "errors.ts": [],
  "address.ts": ["errors.ts"],
  "clock.ts": [],
  "diagnostics.ts": ["protocol"],
  "defaults.ts": [],
  "optional-package.ts": ["errors.ts"],
  protocol: [],
  queue: ["protocol"],
  fanout: ["errors.ts", "clock.ts", "diagnostics.ts", "defaults.ts", "protocol", "queue"],
  // What server and client share of the wire.
  "transport/grpc/contracts.ts": [],
  "transport/grpc/wire.ts": ["errors.ts", "protocol", "transport/grpc/contracts.ts"],
  "transport/grpc/status.ts": [
    "errors.ts",
    "protocol",
    "transport/grpc/contracts.ts",
    "transport/grpc/wire.ts",
  ],
  "transport/grpc/admin/reports.ts": ["protocol"],
  "transport/grpc/admin/wire.ts": [
    "errors.ts",
    "protocol",
    "transport/grpc/contracts.ts",
    "transport/grpc/wire.ts",
    "transport/grpc/admin/reports.ts",
  ],
  "transport/grpc/client": [
    "errors.ts",
    "clock.ts",
    "diagnostics.ts",
    "defaults.ts",
    "protocol",
    "transport/grpc/contracts.ts",
    "transport/grpc/wire.ts",
    "transport/grpc/status.ts",
    "transport/grpc/admin/reports.ts",
    "transport/grpc/admin/wire.ts",
  ],
  "transport/grpc": [
    "errors.ts",
    "address.ts",
    "clock.ts",
    "diagnostics.ts",
    "defaults.ts",
    "optional-package.ts",
    "protocol",
    "fanout",
    "transport/grpc/contracts.ts",
    "transport/grpc/wire.ts",
    "transport/grpc/status.ts",
    "transport/grpc/admin/reports.ts",
    "transport/grpc/admin/wire.ts",
  ],
  observe: [
    "errors.ts",
    "address.ts",
    "clock.ts",
    "defaults.ts",
    "diagnostics.ts",
    "optional-package.ts",
    "protocol",
    "fanout",
  ],
  config: ["errors.ts", "clock.ts", "defaults.ts", "protocol", "fanout", "transport/grpc"],
  "index.ts": [
    "errors.ts",
    "clock.ts",
    "diagnostics.ts",
    "defaults.ts",
    "protocol",
    "fanout",
    "transport/grpc",
    "transport/grpc/client",
  ],
  cli: [
    "errors.ts",
    "clock.ts",
    "defaults.ts",
    "protocol",
    "fanout",
    "config",
    "observe",
    "transport/grpc",
    "transport/grpc/client",
    "index.ts",
  ],
};

interface Import {
  /** The file it stands in, from `src/`. */
  readonly from: string;
  /** As it is written. */
  readonly specifier: string;
  /** The file it names, from `src/`; `undefined`: a package. */
  readonly to: string | undefined;
  readonly typeOnly: boolean;
  /** By `import()`, when that is reached. */
  readonly late: boolean;
}

const files = (readdirSync(src, { recursive: true }) as string[])
  .map((path) => path.split(sep).join("/"))
  .filter((path) => path.endsWith(".ts") && !path.endsWith(".d.ts"))
  .sort();
const imports = files.flatMap(importsOf);

describe("the house", () => {
  it("is seen at all: the rooms are found, and their imports read", () => {
    for (const room of ["protocol", "queue", "fanout"]) assert.ok(files.includes(`${room}/index.ts`), room);
    const line = { from: "fanout/hub.ts", specifier: "./pump.ts" };
    assert.ok(
      imports.some(
        ({ from, specifier }) => from === "fanout/subscription.ts" && specifier === line.specifier,
      ),
    );
    assert.deepEqual(
      importLines('import { a } from "x";\nexport * from "./y.ts";\nimport type { B } from "z";'),
      [
        { specifier: "x", typeOnly: false, late: false },
        { specifier: "./y.ts", typeOnly: false, late: false },
        { specifier: "z", typeOnly: true, late: false },
      ],
    );
    assert.deepEqual(importLines('import {\n  a,\n  type B,\n} from "x";\nimport "y";\nawait import("z");'), [
      { specifier: "x", typeOnly: false, late: false },
      { specifier: "y", typeOnly: false, late: false },
      { specifier: "z", typeOnly: false, late: true },
    ]);
    assert.deepEqual(
      importLines('/** import { Hub } from "spillway"; */\n// import "x";\nexport const a = { b: "c" };'),
      [],
    );
  });

  it("has a place for every file", () => {
    assert.deepEqual(
      files.filter((file) => roomOf(file) === undefined),
      [],
    );
  });

  it("has every import lead to a file that exists", () => {
    const lost = imports.filter(({ to }) => to !== undefined && !existsSync(join(src, to)));
    assert.deepEqual(lost, []);
  });

  it("lets each room use only those below it", () => {
    const wrong = imports.filter(({ from, to }) => {
      if (to === undefined) return false;
      const [user, used] = [roomOf(from) ?? "", roomOf(to) ?? ""];
      return user !== used && !allowed[user]?.includes(used);
    });
    assert.deepEqual(wrong.map(told), []);
  });

  it("has no circle among the rooms that the rules allow", () => {
    const done = new Set<string>();
    const walk = (room: string, path: readonly string[]): void => {
      assert.ok(!path.includes(room), `a circle: ${[...path, room].join(" → ")}`);
      if (done.has(room)) return;
      for (const used of allowed[room] ?? []) walk(used, [...path, room]);
      done.add(room);
    };
    for (const room of Object.keys(allowed)) walk(room, []);
  });

  it("has no circle among its files, where types alone do not count", () => {
    const uses = new Map<string, string[]>();
    for (const { from, to, typeOnly } of imports) {
      if (to !== undefined && !typeOnly) uses.set(from, [...(uses.get(from) ?? []), to]);
    }
    const done = new Set<string>();
    const walk = (file: string, path: readonly string[]): void => {
      assert.ok(!path.includes(file), `a circle: ${[...path.slice(path.indexOf(file)), file].join(" → ")}`);
      if (done.has(file)) return;
      for (const used of uses.get(file) ?? []) walk(used, [...path, file]);
      done.add(file);
    };
    for (const file of files) walk(file, []);
  });

  it("has every room entered by its index.ts", () => {
    const wrong = imports.filter(({ from, to }) => {
      if (to === undefined || roomOf(from) === roomOf(to)) return false;
      const room = roomOf(to) ?? "";
      return to !== room && to !== `${room}/index.ts`;
    });
    assert.deepEqual(wrong.map(told), []);
  });

  it("imports gRPC in its transport only", () => {
    const wrong = imports.filter(
      ({ from, specifier }) => /^(@grpc\/|grpc-)/.test(specifier) && !from.startsWith("transport/grpc/"),
    );
    assert.deepEqual(wrong.map(told), []);
  });

  it("keeps the queue and the protocol pure: nothing of Node's, no package, no timer, no await", () => {
    const packages = imports.filter(({ from, to }) => /^(queue|protocol)\//.test(from) && to === undefined);
    assert.deepEqual(packages.map(told), []);
    for (const file of files.filter((path) => /^(queue|protocol)\//.test(path))) {
      const code = withoutComments(read(file));
      const impure =
        /\b(await|async|setTimeout|setInterval|setImmediate|queueMicrotask|process|Buffer)\b/.exec(code);
      assert.equal(impure, null, file);
    }
  });

  it("lets the engine ask nobody but its clock for the time", () => {
    for (const file of files.filter((path) => path.startsWith("fanout/"))) {
      const code = withoutComments(read(file));
      const timely =
        /\b(Date|performance|setTimeout|setInterval|setImmediate|queueMicrotask|nextTick)\b/.exec(code);
      assert.equal(timely, null, file);
    }
  });

  it("keeps the client free of the engine, by any way", () => {
    const reached = reachedFrom(files.filter((path) => path.startsWith("transport/grpc/client")));
    assert.deepEqual(
      [...reached].filter((path) => /^(fanout|queue|cli)\//.test(path)),
      [],
    );
  });

  it("has a public door that leads to no command line, and to nothing that shows figures", () => {
    const reached = reachedFrom(["index.ts"]);
    assert.deepEqual(
      [...reached].filter((path) => /^(cli|observe)\//.test(path)),
      [],
    );
    const strange = /^(commander|prom-client|@opentelemetry\/.*)$/;
    const parsers = imports.filter(({ from, specifier }) => reached.has(from) && strange.test(specifier));
    assert.deepEqual(parsers.map(told), []);
    const elsewhere = imports.filter(
      ({ from, specifier }) => specifier === "commander" && !from.startsWith("cli/"),
    );
    assert.deepEqual(elsewhere.map(told), []);
  });

  it("has a public door that leads to no configuration, log or exporter, nor to the packages that these need", () => {
    const reached = reachedFrom(["index.ts"]);
    assert.deepEqual(
      [...reached].filter((path) => /^(config|observe)\//.test(path)),
      [],
    );
    const heavy = /^(zod|yaml|leven|pino|prom-client|@opentelemetry\/)/;
    const wrong = imports.filter(
      ({ from, specifier, typeOnly }) => reached.has(from) && heavy.test(specifier) && !typeOnly,
    );
    assert.deepEqual(wrong.map(told), []);
  });

  it("has every default in defaults.ts alone, and documents just those", () => {
    let met = 0;
    for (const file of files.filter((path) => path.startsWith("fanout/") || path.startsWith("transport/"))) {
      const text = read(file);
      for (const [, value, name] of text.matchAll(
        /@default ("[\w.:-]+"|[\d_]+|true|false)\n[\s\S]*?readonly (\w+)\?/g,
      )) {
        const standard = defaultOf(name!);
        if (standard.length === 0) continue;
        met++;
        assert.ok(
          standard.map(String).includes(value!.replaceAll(/[_"]/g, "")),
          `${file} documents ${name} as ${value}, defaults.ts has ${standard.join(" or ")}`,
        );
      }
    }
    assert.ok(met >= 25, `${met} documented defaults met`);
    const elsewhere = files
      .filter((path) => /^(fanout|transport|config|observe|cli)\//.test(path))
      .filter((path) =>
        /(given|options?|flags)(\?)?\.\w+(\?\.\w+)* \?\? (\d|"|true|false)/.test(withoutComments(read(path))),
      );
    assert.deepEqual(elsewhere, []);
  });

  it("depends on the packages that it imports, and loads those that are optional only where they are wanted", () => {
    const { dependencies, peerDependenciesMeta } = JSON.parse(
      readFileSync(join(root, "package.json"), "utf8"),
    ) as {
      dependencies: Record<string, string>;
      peerDependenciesMeta: Record<string, { optional: boolean }>;
    };
    for (const { from, specifier, to, late, typeOnly } of imports) {
      if (to !== undefined || specifier.startsWith("node:")) continue;
      const name = specifier
        .split("/")
        .slice(0, specifier.startsWith("@") ? 2 : 1)
        .join("/");
      const optional = peerDependenciesMeta[name]?.optional === true;
      assert.ok(name in dependencies || optional, `${name} is imported and not a dependency`);
      assert.ok(!optional || late || typeOnly, `${from} imports ${name}, which may not be installed`);
    }
  });
});

/** What the rooms of the benchmark may use of one another; those who put it together may use all. */
const allowedInBench: Readonly<Record<string, readonly string[]>> = {
  "system.ts": [],
  "results.ts": [],
  "config-results.ts": ["results.ts"],
  systems: ["system.ts"],
  harness: ["system.ts", "results.ts", "systems"],
  scenarios: ["system.ts", "results.ts", "config-results.ts", "systems", "harness"],
  micro: ["results.ts", "systems"],
  report: ["results.ts", "config-results.ts"],
};

describe("the benchmark's rooms", () => {
  it("use only those below them: a report is made of results alone, and a system knows nobody who measures it", () => {
    const bench = join(root, "bench");
    const wrong: string[] = [];
    let seen = 0;
    for (const path of readdirSync(bench, { recursive: true }) as string[]) {
      const [room = ""] = path.split(sep);
      if (!path.endsWith(".ts") || allowedInBench[room] === undefined) continue;
      for (const { specifier } of importLines(readFileSync(join(bench, path), "utf8"))) {
        if (!specifier.startsWith(".")) continue;
        const [used = ""] = relative(bench, resolve(bench, dirname(path), specifier)).split(sep);
        seen++;
        if (used !== room && used !== ".." && !allowedInBench[room].includes(used)) {
          wrong.push(`${path} imports ${specifier}`);
        }
      }
    }
    assert.ok(seen > 100, `${seen} imports seen`);
    assert.deepEqual(wrong, []);
  });
});

function findRoot(from: string): string {
  let folder = from;
  while (!existsSync(join(folder, "package.json"))) folder = dirname(folder);
  return folder;
}

function read(file: string): string {
  return readFileSync(join(src, file), "utf8");
}

function withoutComments(code: string): string {
  return code.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$|\s\/\/ .*$/gm, "");
}

function importLines(code: string): { specifier: string; typeOnly: boolean; late: boolean }[] {
  const statement = /^(import|export)(\s+type)?\s+(?:[\w$*{][^"'`;=]*?\sfrom\s+)?["']([^"'\n]+)["']/gm;
  const dynamic = /\bimport\(\s*["']([^"'\n]+)["']/g;
  const text = withoutComments(code);
  const found = [...text.matchAll(statement)].map(([, , type, specifier]) => ({
    specifier: specifier!,
    typeOnly: type !== undefined,
    late: false,
  }));
  return [
    ...found,
    ...[...text.matchAll(dynamic)].map(([, specifier]) => ({
      specifier: specifier!,
      typeOnly: false,
      late: true,
    })),
  ];
}

function importsOf(from: string): Import[] {
  return importLines(read(from)).map(({ specifier, ...how }) => {
    const path = specifier.startsWith(".")
      ? relative(src, resolve(src, dirname(from), specifier))
          .split(sep)
          .join("/")
      : undefined;
    return { from, specifier, to: path, ...how };
  });
}

/** The most specific room that a file lies in. */
function roomOf(file: string): string | undefined {
  return Object.keys(allowed)
    .filter((room) => file === room || file.startsWith(`${room}/`))
    .sort((a, b) => b.length - a.length)[0];
}

/** All files that those reach by imports, themselves included. */
function reachedFrom(start: readonly string[]): Set<string> {
  const reached = new Set(start);
  for (const file of reached) {
    for (const { from, to, typeOnly } of imports)
      if (from === file && to !== undefined && !typeOnly) reached.add(to);
  }
  return reached;
}

/** All defaults of that name, at any depth. */
function defaultOf(name: string): readonly unknown[] {
  const found: unknown[] = [];
  const walk = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    for (const [key, inner] of Object.entries(value)) {
      if (key === name) found.push(inner);
      walk(inner);
    }
  };
  walk(defaults);
  return found.filter((value) => typeof value !== "object");
}

function told({ from, specifier }: Import): string {
  return `${from} imports ${specifier}`;
}
