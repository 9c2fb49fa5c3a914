/**
 * Reads the variables that begin with `SPILLWAY_`: each sets the option that it is named after. A list or a map is
 * written as YAML, all other values as in the file. Empty ones count as not set.
 *
 * Two kinds of such variables are not options: `SPILLWAY_CONFIG`, the path of the file, which the command reads; and what
 * Kubernetes sets in every pod beside a service whose name is, or begins with, "spillway".
 *
 * @module
 */
import { readDocument } from "./document.ts";
import { kindOf } from "./kinds.ts";
import { show } from "./messages.ts";
import { nearest } from "./nearest.ts";
import { OPTIONS, type Option, PREFIX, variableOf } from "./options.ts";
import type { Finding } from "./problems.ts";
import { exactly, formatPath, type Origin, plain, type ReadSource, type Said, saidMap } from "./said.ts";

/** Where a command looks for the path of its file. */
export const CONFIG_VARIABLE = `${PREFIX}CONFIG`;

export type Environment = Readonly<Record<string, string | undefined>>;

const optionOf = new Map(OPTIONS.map((option) => [variableOf(option.path), option]));

export function readEnvironment(environment: Environment): ReadSource {
  const findings: Finding[] = [];
  let said: Said | undefined;
  // An option comes before what is inside of it.
  for (const name of Object.keys(environment).sort()) {
    const text = environment[name]?.trim() ?? "";
    if (text === "" || !name.startsWith(PREFIX) || name === CONFIG_VARIABLE || isOfKubernetes(name, text))
      continue;
    const origin: Origin = { source: "environment", text: name };
    const option = optionOf.get(name);
    if (option === undefined) {
      findings.push({ path: [], message: unknownVariable(name), origin });
      continue;
    }
    const value = readValue(option, text, origin, findings);
    if (value === undefined) continue;
    const around = said && option.within && exactly(said, option.within.path);
    if (around !== undefined && around.is !== "map") {
      const message = `expected ${formatPath(option.path.slice(0, -1))} to be a map, but ${around.origin.text} is ${show(plain(around))}`;
      findings.push({ path: option.path, message, origin });
      continue;
    }
    const whole = option.path.reduceRight((inner, key) => saidMap(origin, [[key, inner]]), value);
    said = said === undefined ? whole : join(said, whole);
  }
  return { said, findings };
}

function readValue(option: Option, text: string, origin: Origin, findings: Finding[]): Said | undefined {
  const kind = kindOf(option.schema);
  // An address such as [::1]:7070 would be a list in YAML.
  if (kind.is === "value" && kind.text === true) return { is: "value", origin, value: text };
  const read = readDocument(text, () => origin);
  findings.push(...read.findings.map((finding) => ({ ...finding, path: [...option.path, ...finding.path] })));
  if (read.said !== undefined || read.findings.length > 0) return read.said;
  // Set, and nothing but `null` or a comment: an option has no such value.
  return { is: "value", origin, value: null };
}

/** What several variables say of one thing. */
function join(one: Said, other: Said): Said {
  if (one.is !== "map" || other.is !== "map") return other;
  const entries = new Map(one.entries);
  for (const [key, said] of other.entries) {
    const before = entries.get(key);
    entries.set(key, before === undefined ? said : join(before, said));
  }
  return saidMap(other.origin, entries);
}

function unknownVariable(name: string): string {
  const near = nearest(name, [...optionOf.keys()]);
  return near === undefined
    ? "no option has this variable; docs/configuration.md lists them"
    : `no option has this variable; did you mean ${near}?`;
}

/** `SPILLWAY_SERVICE_HOST`, `SPILLWAY_PORT_7070_TCP_ADDR`, `SPILLWAY_METRICS_PORT=tcp://10.0.0.1:9464` and the like. */
function isOfKubernetes(name: string, text: string): boolean {
  return (
    /_SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)$/.test(name) ||
    /_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/.test(name) ||
    (name.endsWith("_PORT") && /^(tcp|udp|sctp):\/\//.test(text))
  );
}
