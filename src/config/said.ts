/**
 * What was said, and where: plain data in the shape of a file, of which every part knows its origin, so that a merge
 * of several sources still knows it.
 *
 * @module
 */
import { isMap } from "./kinds.ts";
import type { Finding } from "./problems.ts";

/** The keys and indices that lead to a value, as in the file. */
export type Path = readonly (string | number)[];

/** Where a value was said. */
export interface Origin {
  readonly source: "file" | "environment" | "code";
  /** For people: `spillway.yaml:12:5`, `SPILLWAY_HUB_QUEUE_BYTES`, `code`. */
  readonly text: string;
  /** Of a file: counted from 1. */
  readonly line?: number;
  readonly column?: number;
}

export type Said =
  | { readonly is: "map"; readonly origin: Origin; readonly entries: ReadonlyMap<string, Said> }
  | { readonly is: "list"; readonly origin: Origin; readonly items: readonly Said[] }
  | { readonly is: "value"; readonly origin: Origin; readonly value: unknown };

/** What one source says. */
export interface ReadSource {
  /** `undefined`: nothing, or it cannot be read. */
  readonly said: Said | undefined;
  readonly findings: readonly Finding[];
}

/** Everything of it said at one place. */
export function saidAt(origin: Origin, value: unknown): Said {
  if (Array.isArray(value)) {
    return { is: "list", origin, items: value.map((item) => saidAt(origin, item)) };
  }
  if (isMap(value))
    return saidMap(
      origin,
      Object.entries(value).map(([key, part]) => [key, saidAt(origin, part)]),
    );
  return { is: "value", origin, value };
}

export function saidMap(origin: Origin, entries: Iterable<readonly [string, Said]>): Said {
  return { is: "map", origin, entries: new Map(entries) };
}

/** Without the origins. */
export function plain(said: Said): unknown {
  if (said.is === "list") return said.items.map(plain);
  // Object.fromEntries defines, it does not assign: no key reaches a prototype.
  if (said.is === "map")
    return Object.fromEntries([...said.entries].map(([key, part]) => [key, plain(part)]));
  return said.value;
}

/** What was said at the path, or the nearest thing around it. */
export function nearestTo(said: Said, path: Path): Said {
  let found = said;
  for (const key of path) {
    const part = partOf(found, key);
    if (part === undefined) break;
    found = part;
  }
  return found;
}

/** What was said at the path. */
export function exactly(said: Said, path: Path): Said | undefined {
  return path.reduce<Said | undefined>((found, key) => found && partOf(found, key), said);
}

function partOf(said: Said, key: string | number): Said | undefined {
  if (said.is === "map") return said.entries.get(String(key));
  return said.is === "list" ? said.items[Number(key)] : undefined;
}

/** What plain data says at a path. */
export function valueAt(data: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (found, key) => (isMap(found) && Object.hasOwn(found, key) ? found[key] : undefined),
    data,
  );
}

/** A path for people: `hub.topics."prices.>".escalation[0].when.lag`. */
export function formatPath(path: Path): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === "number") return `${text}[${key}]`;
    const name = /^[A-Za-z_$][\w$-]*$/.test(key) ? key : JSON.stringify(key);
    return text === "" ? name : `${text}.${name}`;
  }, "");
}
