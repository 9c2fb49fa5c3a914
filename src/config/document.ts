/**
 * Reads YAML, and JSON, which is YAML too. Everything that is wrong is told with its line and column.
 *
 * YAML has more than a configuration needs, and some of it is a trap: a key said twice, a merge key (`<<`) that would
 * pass for the name of a topic, tags that make other types, an alias inside of what it stands for. All these are
 * refused; plain anchors and aliases are read, up to a size.
 *
 * @module
 */
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type YAMLError } from "yaml";
import type { Finding } from "./problems.ts";
import { type Origin, type Path, type ReadSource, type Said, saidMap } from "./said.ts";

/** What a text, with all its aliases written out, may come to. */
const MOST_VALUES = 100_000;
/** A configuration has ten at most. */
const MOST_LEVELS = 32;
/** One slip of indentation can be found wrong in many places. */
const MOST_SYNTAX_ERRORS = 10;

/** What a line and a column are called; both are counted from 1. */
export type OriginAt = (line: number, column: number) => Origin;

export function readDocument(text: string, originAt: OriginAt): ReadSource {
  const lines = new LineCounter();
  const originOf = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return originAt(line, col);
  };
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    resolveKnownTags: false,
    schema: "core",
    stringKeys: true,
  });
  const faults = [...document.errors, ...document.warnings];
  const findings = faults
    .map((fault) => ({ path: [], message: describe(fault, text), origin: originOf(fault.pos[0]) }))
    .slice(0, MOST_SYNTAX_ERRORS);
  const { contents } = document;
  const isEmpty = contents === null || (isScalar(contents) && contents.value === null);
  // What is only said twice can be read all the same, and may have other faults to tell.
  if (isEmpty || faults.some(({ code }) => code !== "DUPLICATE_KEY")) {
    return { said: undefined, findings };
  }
  const reader = new Reader(originOf, (alias) => (isAlias(alias) ? alias.resolve(document) : undefined));
  const said = reader.read(contents, [], originOf(contents.range[0]));
  return { said, findings: [...findings, ...reader.findings] };
}

function describe({ code, message, pos: [from, to] }: YAMLError, text: string): string {
  if (code === "DUPLICATE_KEY") {
    return `the key ${JSON.stringify(/^[^:\n]*/.exec(text.slice(from))?.[0].trim())} is said twice`;
  }
  if (code === "TAG_RESOLVE_FAILED") return `tags such as ${text.slice(from, to)} are not read: leave it out`;
  if (code === "RESOURCE_EXHAUSTION") return "it is nested too deeply";
  if (code === "MULTIPLE_DOCS") return "expected one document, got a second one";
  return `not valid YAML: ${message}`;
}

/** Turns nodes into what they say. */
class Reader {
  readonly findings: Finding[] = [];
  readonly #originOf: (offset: number) => Origin;
  readonly #resolve: (alias: Node) => Node | undefined;
  /** The nodes around the one that is read, by way of aliases as well. */
  readonly #around = new Set<Node>();
  #values = 0;

  constructor(originOf: (offset: number) => Origin, resolve: (alias: Node) => Node | undefined) {
    this.#originOf = originOf;
    this.#resolve = resolve;
  }

  read(node: unknown, path: Path, origin: Origin): Said {
    if (isAlias(node)) return this.#alias(node, path, origin);
    if (isScalar(node)) return { is: "value", origin, value: node.value };
    if (!isMap(node) && !isSeq(node)) return { is: "value", origin, value: null };
    if (!this.#enter(node, path, origin)) return { is: "value", origin, value: undefined };
    const said: Said = isMap(node)
      ? saidMap(origin, this.#entries(node.items, path))
      : {
          is: "list",
          origin,
          items: node.items.map((item, index) => this.#item(item, [...path, index], origin)),
        };
    this.#around.delete(node);
    return said;
  }

  *#entries(
    pairs: readonly { key: unknown; value: unknown }[],
    path: Path,
  ): Iterable<readonly [string, Said]> {
    for (const { key, value } of pairs) {
      if (!isScalar(key)) continue;
      const name = String(key.value);
      const origin = this.#originOf(key.range?.[0] ?? 0);
      const inside = [...path, name];
      if (name === "__proto__") {
        this.#tell(inside, "this key is not allowed", origin);
      } else if (name === "<<") {
        this.#tell(inside, "merge keys are not read: repeat the values, or name a preset", origin);
      } else {
        yield [name, this.read(value, inside, origin)];
      }
    }
  }

  #item(node: unknown, path: Path, around: Origin): Said {
    const range = (node as Node | null)?.range;
    return this.read(node, path, range ? this.#originOf(range[0]) : around);
  }

  #alias(alias: Node, path: Path, origin: Origin): Said {
    const target = this.#resolve(alias);
    if (target === undefined) this.#tell(path, "no anchor of that name comes before this alias", origin);
    return this.read(target, path, origin);
  }

  /** Whether there is room for what the node contains. */
  #enter(node: Node & { readonly items: readonly unknown[] }, path: Path, origin: Origin): boolean {
    const before = this.#values;
    this.#values += node.items.length;
    if (this.#around.has(node)) this.#tell(path, "an alias inside of what it stands for", origin);
    else if (this.#around.size >= MOST_LEVELS) this.#tell(path, "it is nested too deeply", origin);
    else if (this.#values <= MOST_VALUES) {
      this.#around.add(node);
      return true;
    } else if (before <= MOST_VALUES) {
      this.#tell([], `expected at most ${MOST_VALUES} values, aliases written out`, origin);
    }
    return false;
  }

  #tell(path: Path, message: string, origin: Origin): void {
    this.findings.push({ path, message, origin });
  }
}
