/**
 * The levels at which a hub says how subscribers and topics are treated, checked. What counts for one subscription or
 * topic is read from a stack of them, value by value: the first that says it.
 *
 *     its class  ─►  the topic patterns, the most specific first  ─►  the hub  ─►  the defaults
 *
 * At each level what it says itself counts before what its preset says.
 *
 * @module
 */
import { quote } from "../errors.ts";
import {
  checkDuration,
  checkEscalation,
  checkLinger,
  checkNames,
  checkOverflow,
  checkPositive,
  checkShare,
  checkSomeBounds,
  checkWhole,
} from "./checks.ts";
import type { HubConfig } from "./options.ts";
import { PRESETS, type PresetName } from "./presets.ts";
import type { Retention } from "./retention.ts";
import type { ClassMatch, ClassOptions, SubscriberOptions, TopicOptions } from "./subscriber-options.ts";
import { checkPattern } from "./topic-names.ts";

/** One voice in a stack: what a level says itself, or what its preset says. */
export interface Voice {
  /** Where it is said, as the path of an option; a preset's ends in `preset`. */
  readonly path: readonly string[];
  readonly says: TopicOptions & ClassOptions;
}

/** What one level says: itself first, then its preset. */
export type Level = readonly Voice[];

export interface ClassLevel {
  readonly name: string;
  readonly match: ClassMatch | undefined;
  readonly level: Level;
}

export interface TopicLevel {
  readonly pattern: string;
  /** Of the pattern. */
  readonly tokens: readonly string[];
  readonly level: Level;
}

/** All levels of a hub. */
export interface Levels {
  readonly hub: Level;
  /** The most specific pattern first. */
  readonly topics: readonly TopicLevel[];
  /** In the order of the options. */
  readonly classes: readonly ClassLevel[];
}

/**
 * Nothing of what is returned is the caller's: what was checked is what counts, whatever becomes of the object that said it.
 *
 * @throws TypeError or RangeError, naming the option, what was expected and what came
 */
export function resolveLevels(config: HubConfig): Levels {
  const said = Object.entries(config).filter(([name]) => Object.hasOwn(TOPIC_OPTION_NAMES, name));
  return {
    hub: checkLevel([], Object.fromEntries(said)),
    topics: Object.entries(checkObject("topics", config.topics))
      .map(([pattern, options]) => checkTopicLevel(pattern, options))
      .sort((a, b) => compareSpecificity(a.pattern, b.pattern)),
    classes: Object.entries(checkObject("classes", config.classes)).map(([name, options]) =>
      checkClassLevel(name, options),
    ),
  };
}

/** Below 0 when `a` is more specific: token by token from the left, a name before `*` before `>`. */
export function compareSpecificity(a: string, b: string): number {
  const [left, right] = [a.split("."), b.split(".")];
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const difference = rank(left[index]) - rank(right[index]);
    if (difference !== 0) return difference;
  }
  return 0;
}

function rank(token: string | undefined): number {
  if (token === undefined) return 3;
  if (token === ">") return 2;
  return token === "*" ? 1 : 0;
}

/** Whether every topic that matches `narrow` matches `wide`; both as their tokens. */
export function covers(wide: readonly string[], narrow: readonly string[]): boolean {
  for (let index = 0; index < wide.length; index++) {
    const [token, other] = [wide[index], narrow[index]];
    if (other === undefined) return false;
    if (token === ">") return true;
    if (other === ">" || (token !== "*" && token !== other)) return false;
  }
  return wide.length === narrow.length;
}

/** The pattern of all topics that match both; `undefined` when there are none. */
export function intersection(one: string, other: string): string | undefined {
  const [left, right] = [one.split("."), other.split(".")];
  const both: string[] = [];
  for (let index = 0; ; index++) {
    const [a, b] = [left[index], right[index]];
    if (a === undefined || b === undefined) return a === b ? both.join(".") : undefined;
    // What is left of the other one has a token at least, as `>` wants it.
    if (a === ">") return [...both, ...right.slice(index)].join(".");
    if (b === ">") return [...both, ...left.slice(index)].join(".");
    if (a !== b && a !== "*" && b !== "*") return undefined;
    both.push(a === "*" ? b : a);
  }
}

const SUBSCRIBER_OPTION_NAMES: Readonly<Record<keyof SubscriberOptions, true>> = {
  preset: true,
  overflow: true,
  allowedOverflow: true,
  queue: true,
  maxQueue: true,
  maxAgeMs: true,
  escalation: true,
  recoveryMs: true,
  newcomerGraceMs: true,
  watermarks: true,
  stallTimeoutMs: true,
  minBytesPerSecond: true,
  blockTimeoutMs: true,
  progressIntervalMs: true,
  batch: true,
};

/** What a topic pattern can say, and a hub. */
export const TOPIC_OPTION_NAMES: Readonly<Record<keyof TopicOptions, true>> = {
  ...SUBSCRIBER_OPTION_NAMES,
  retention: true,
  lingerMs: true,
};

const CLASS_OPTION_NAMES: Readonly<Record<keyof ClassOptions, true>> = {
  ...SUBSCRIBER_OPTION_NAMES,
  match: true,
  lingerMs: true,
  priority: true,
};

function checkTopicLevel(pattern: string, options: TopicOptions): TopicLevel {
  checkPattern(pattern);
  const path = ["topics", pattern];
  checkNames(optionName(path), checkObject(optionName(path), options), TOPIC_OPTION_NAMES);
  return { pattern, tokens: pattern.split("."), level: checkLevel(path, options) };
}

function checkClassLevel(name: string, options: ClassOptions): ClassLevel {
  if (!/^[A-Za-z][\w-]{0,63}$/.test(name)) {
    throw new TypeError(
      `classes: expected a name that begins with a letter and has letters, digits, "-" and "_", at most 64, got ${quote(name)}`,
    );
  }
  const path = ["classes", name];
  checkNames(optionName(path), checkObject(optionName(path), options), CLASS_OPTION_NAMES);
  const at = (option: string) => optionName([...path, option]);
  if (options.priority !== undefined && !Number.isFinite(options.priority)) {
    throw new TypeError(`${at("priority")} must be a number, got ${String(options.priority)}`);
  }
  const match = options.match === undefined ? undefined : checkMatch(at("match"), copyOf(options.match));
  return { name, match, level: checkLevel(path, options) };
}

function checkMatch(name: string, match: ClassMatch): ClassMatch {
  checkNames(name, checkObject(name, match), { clientName: true, labels: true, identity: true });
  const { labels, ...texts } = match;
  const said = [...Object.entries(texts), ...Object.entries(checkObject(`${name}.labels`, labels))];
  for (const [field, text] of said) {
    if (typeof text !== "string") {
      throw new TypeError(`${name}: expected text for ${field}, got ${String(text)}`);
    }
  }
  if (labels !== undefined && Object.keys(labels).length === 0) {
    throw new TypeError(`${name}.labels must give at least one label`);
  }
  if (said.length === 0) {
    throw new TypeError(`${name} must give at least one of clientName, labels and identity`);
  }
  return match;
}

function checkLevel(path: readonly string[], options: TopicOptions & ClassOptions): Level {
  const says = copyOf(options);
  const { preset } = says;
  checkSubscriberOptions((option) => optionName([...path, option]), says);
  const own: Voice = { path, says };
  return preset === undefined ? [own] : [own, { path: [...path, "preset"], says: checkPreset(path, preset) }];
}

function checkPreset(path: readonly string[], preset: PresetName): TopicOptions {
  if (Object.hasOwn(PRESETS, preset)) return PRESETS[preset];
  throw new TypeError(
    `${optionName([...path, "preset"])} must be one of ${Object.keys(PRESETS).join(", ")}, got ${String(preset)}`,
  );
}

/** @param at - the full name of an option */
function checkSubscriberOptions(at: (option: string) => string, options: TopicOptions): void {
  const given = <Name extends keyof TopicOptions>(
    name: Name,
    check: (name: string, value: NonNullable<TopicOptions[Name]>) => void,
  ) => {
    const value = options[name];
    if (value !== undefined) check(at(name), value as NonNullable<TopicOptions[Name]>);
  };
  const duration = (name: string, value: number) => void checkDuration(name, value);
  given("overflow", checkOverflow);
  given("allowedOverflow", checkAllowedOverflow);
  given("queue", checkSomeBounds);
  given("maxQueue", checkSomeBounds);
  given("maxAgeMs", (name, value) => checkPositive(name, checkDuration(name, value, true)));
  given("escalation", checkEscalation);
  given("recoveryMs", duration);
  given("newcomerGraceMs", duration);
  given("watermarks", (name, value) => {
    checkNames(name, value, { high: true, low: true });
    for (const [field, share] of Object.entries(value)) checkShare(`${name}.${field}`, share);
  });
  given("stallTimeoutMs", duration);
  given("minBytesPerSecond", (name, value) => checkWhole(name, value, 1));
  given("blockTimeoutMs", duration);
  given("progressIntervalMs", duration);
  given("batch", (name, value) => {
    checkNames(name, value, { frames: true, bytes: true });
    for (const [field, limit] of Object.entries(value)) checkWhole(`${name}.${field}`, limit, 1);
  });
  given("lingerMs", checkLinger);
  given("retention", checkRetention);
}

function checkAllowedOverflow(name: string, value: unknown): void {
  if (!Array.isArray(value) || value.length === 0) {
    throw new TypeError(`${name} must be a list of at least one overflow policy, got ${String(value)}`);
  }
  for (const policy of value) checkOverflow(name, policy);
}

function checkRetention(name: string, retention: Retention | false): void {
  if (retention === false) return;
  if (typeof retention !== "object" || retention === null) {
    throw new TypeError(`${name} must be false or the bounds of a log, got ${String(retention)}`);
  }
  if ("latestPerKey" in retention) {
    checkNames(name, retention, { latestPerKey: true, keys: true, tombstoneAgeMs: true });
    if (retention.latestPerKey !== true) {
      throw new TypeError(
        `${name}.latestPerKey must be true or left out, got ${String(retention.latestPerKey)}`,
      );
    }
    if (retention.keys !== undefined) checkWhole(`${name}.keys`, retention.keys, 1);
    if (retention.tombstoneAgeMs !== undefined) {
      checkDuration(`${name}.tombstoneAgeMs`, retention.tombstoneAgeMs, true);
    }
    return;
  }
  checkNames(name, retention, { messages: true, bytes: true, ageMs: true });
  if (retention.messages !== undefined) checkWhole(`${name}.messages`, retention.messages, 1);
  if (retention.bytes !== undefined) checkWhole(`${name}.bytes`, retention.bytes, 1);
  if (retention.ageMs !== undefined) checkDuration(`${name}.ageMs`, retention.ageMs, true);
}

/** Lists, texts and `null` are no maps of options. */
function checkObject<T extends object>(name: string, value: T | undefined): T {
  if (value === undefined) return {} as T;
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new TypeError(`${name} must be an object, got ${String(value)}`);
}

/** The same in objects of our own, without what is `undefined`. */
export function copyOf<T>(value: T): T {
  if (Array.isArray(value)) return value.map(copyOf) as T;
  if (typeof value !== "object" || value === null) return value;
  const said = Object.entries(value).filter(([, part]) => part !== undefined);
  return Object.fromEntries(said.map(([name, part]) => [name, copyOf(part)])) as T;
}

/** A path as an option is called in messages: `topics["prices.>"].queue`. */
export function optionName(path: readonly string[]): string {
  return path.reduce(
    (name, key) =>
      /^[A-Za-z_]\w*$/.test(key) ? (name === "" ? key : `${name}.${key}`) : `${name}[${JSON.stringify(key)}]`,
    "",
  );
}
