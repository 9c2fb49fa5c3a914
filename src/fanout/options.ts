/**
 * The options of a hub, and what is made of them once, when it is made or reconfigured. Defaults are in `defaults.ts`.
 *
 * @module
 */
import { type Clock, systemClock } from "../clock.ts";
import { HUB_DEFAULTS } from "../defaults.ts";
import type { Authorize } from "./access.ts";
import { checkDuration, checkNames, checkShare, checkWhole } from "./checks.ts";
import { contradictions, type OptionProblem } from "./contradictions.ts";
import type { HistoryLoadOptions, HistoryRule } from "./history-source.ts";
import type { InterestChange } from "./interest-events.ts";
import { type Levels, resolveLevels, TOPIC_OPTION_NAMES } from "./levels.ts";
import { Rules } from "./rules.ts";
import type { ClassOptions, TopicOptions } from "./subscriber-options.ts";
import { checkPattern } from "./topic-names.ts";

/** The options that are plain data: what a configuration file can say, and what `reconfigure()` can change. */
export interface HubConfig extends TopicOptions {
  /**
   * What topics have of their own, by pattern. Where several patterns match, each value is taken from the most specific
   * one that says it: compared token by token from the left, a name comes before `*`, and that before `>`. For what
   * concerns subscriptions rather than topics, a pattern counts if it covers every pattern of the subscription.
   *
   * @default {}
   */
  readonly topics?: Readonly<Record<string, TopicOptions>>;

  /**
   * What subscribers have of their own, by the name of their class; it counts before `topics`. A subscriber belongs to
   * the class that the `authorize` hook names, else to the first whose `match` holds. Names begin with a letter and
   * have letters, digits, `-` and `_`.
   *
   * @default {}
   */
  readonly classes?: Readonly<Record<string, ClassOptions>>;

  /**
   * Largest message, in bytes of payload, key and headers. A larger one is refused when published.
   *
   * @default 1_048_576
   */
  readonly maxMessageBytes?: number;

  /**
   * Most subscriptions at once. One more is refused.
   *
   * @default 100_000
   */
  readonly maxSubscriptions?: number;

  /**
   * Most topics remembered. Beyond it the ones not published to for longest are forgotten, which loses their
   * statistics, their `previousOffset` and what was retained of them; who comes back is told so.
   *
   * @default 100_000
   */
  readonly maxTopics?: number;

  /**
   * How loads from history sources are admitted.
   *
   * @default { concurrency: 8, timeoutMs: 10_000, pageMessages: 256 }
   */
  readonly historyLoads?: HistoryLoadOptions;

  /**
   * When so large a share of all subscribers, and at least ten, is slow at once, it is not their fault: evictions due
   * to time pause for at most a minute, and are spread out afterwards. From 0 to 1; the bounds of queues always hold.
   *
   * @default 0.5
   */
  readonly massSlowShare?: number;

  /**
   * The retry delay that a server suggests at an end that one comes back from, in milliseconds; each subscriber
   * gets between half and one and a half times as much, so that they do not all come back at once.
   *
   * @default 1_000
   */
  readonly retryDelayMs?: number;

  /**
   * One turn of the flush: at most so many milliseconds and so many batches, then the event loop gets to serve
   * accepts, reads and timers. The batches are bounded beside the time because the send that follows them
   * cannot be interrupted.
   *
   * @default { sliceMs: 5, batches: 200 }
   */
  readonly flush?: Partial<FlushLimits>;

  /**
   * How long a pattern must be without subscribers before that is told, in milliseconds.
   *
   * @default 1_000
   */
  readonly interestDebounceMs?: number;
}

/** All options of a hub: its data, the identity of its history, and the code that it calls. */
export interface HubOptions extends HubConfig {
  /**
   * Where the past of topics is kept beyond their logs; see {@link HistorySource}. For each topic the first rule whose
   * pattern matches. A subscriber with wildcards reads the history of topics that this hub knows of.
   *
   * @default none
   */
  readonly history?: readonly HistoryRule[];

  /**
   * Identity of this hub's history: letters, digits, `-` and `_`, at most 64. Give it only together with offsets
   * that go on where they were.
   *
   * @default a random UUID
   */
  readonly epoch?: string;

  /**
   * The newest offset of the history that this hub goes on with; the first message it publishes gets the next one.
   * Needs the `epoch` of that history.
   *
   * @default 0
   */
  readonly lastOffset?: number;

  /**
   * Says who a remote caller is and what it may do; see {@link Authorize}.
   *
   * @default everyone may do everything
   */
  readonly authorize?: Authorize;

  /**
   * Told of the first and of the last subscriber of every pattern: to start and stop what feeds it. See
   * {@link InterestChange}.
   *
   * @default nobody is told
   */
  readonly onInterest?: (change: InterestChange) => void;

  /**
   * Told of every error that a hook of the application threw; they are contained, and the process goes on.
   *
   * @default a process warning, at most one per hook every ten seconds
   */
  readonly onError?: (error: unknown, hook: string) => void;

  /** @default the process's own clock */
  readonly clock?: Clock;
}

export interface FlushLimits {
  readonly sliceMs: number;
  readonly batches: number;
}

/** How often the hub looks at all its subscriptions, in milliseconds: what times are rounded up to. */
export const WATCH_INTERVAL_MS = 250;

export interface ResolvedHubOptions {
  /** What differs by topic and by class. */
  readonly rules: Rules;
  readonly maxMessageBytes: number;
  readonly maxSubscriptions: number;
  readonly maxTopics: number;
  readonly historyLoads: Required<HistoryLoadOptions>;
  readonly massSlowShare: number;
  readonly retryDelayMs: number;
  readonly flush: FlushLimits;
  readonly interestDebounceMs: number;
  readonly history: readonly HistoryRule[];
  readonly epoch: string;
  readonly lastOffset: number;
  readonly authorize: Authorize | undefined;
  readonly onInterest: ((change: InterestChange) => void) | undefined;
  readonly onError: ((error: unknown, hook: string) => void) | undefined;
  readonly clock: Clock;
}

/** @throws TypeError or RangeError, naming the option, what was expected and what came */
export function resolveHubOptions(given: HubOptions = {}): ResolvedHubOptions {
  checkNames("Hub", given, { ...HUB_CONFIG_NAMES, ...HUB_CODE_NAMES });
  return {
    ...resolveConfig(given),
    history: (given.history ?? []).map(checkHistory),
    epoch: checkEpoch(given.epoch ?? crypto.randomUUID()),
    lastOffset: checkLastOffset(given.lastOffset ?? HUB_DEFAULTS.lastOffset, given.epoch),
    authorize: given.authorize,
    onInterest: given.onInterest,
    onError: given.onError,
    clock: given.clock ?? systemClock,
  };
}

/**
 * The same hub with other data.
 *
 * @throws TypeError or RangeError, naming the option, what was expected and what came
 */
export function reresolveHubOptions(before: ResolvedHubOptions, given: HubConfig): ResolvedHubOptions {
  for (const name of Object.keys(HUB_CODE_NAMES)) {
    if (Object.hasOwn(given, name)) {
      throw new TypeError(`${name} is fixed when a hub is made: leave it out of reconfigure()`);
    }
  }
  checkNames("Hub", given, HUB_CONFIG_NAMES);
  return { ...before, ...resolveConfig(given) };
}

/**
 * What of a hub's options contradicts itself, all of it. Types and ranges are to be right already.
 *
 * @throws TypeError or RangeError when they are not
 */
export function hubConfigProblems(config: HubConfig): readonly OptionProblem[] {
  return contradictions(resolveLevels(config));
}

type ResolvedConfig = Omit<ResolvedHubOptions, keyof typeof HUB_CODE_NAMES>;

function resolveConfig(given: HubConfig): ResolvedConfig {
  checkNames("flush", given.flush, { sliceMs: true, batches: true });
  const levels: Levels = resolveLevels(given);
  const [problem] = contradictions(levels);
  if (problem !== undefined) throw new TypeError(`${problem.path.join(".")}: ${problem.message}`);
  return {
    rules: new Rules(levels),
    maxMessageBytes: checkWhole("maxMessageBytes", given.maxMessageBytes ?? HUB_DEFAULTS.maxMessageBytes, 1),
    maxSubscriptions: checkWhole(
      "maxSubscriptions",
      given.maxSubscriptions ?? HUB_DEFAULTS.maxSubscriptions,
      1,
    ),
    maxTopics: checkWhole("maxTopics", given.maxTopics ?? HUB_DEFAULTS.maxTopics, 2),
    historyLoads: checkHistoryLoads(given.historyLoads),
    massSlowShare: checkShare("massSlowShare", given.massSlowShare ?? HUB_DEFAULTS.massSlowShare),
    retryDelayMs: checkDuration("retryDelayMs", given.retryDelayMs ?? HUB_DEFAULTS.retryDelayMs),
    flush: {
      sliceMs: checkDuration("flush.sliceMs", given.flush?.sliceMs ?? HUB_DEFAULTS.flush.sliceMs),
      batches: checkWhole("flush.batches", given.flush?.batches ?? HUB_DEFAULTS.flush.batches, 1),
    },
    interestDebounceMs: checkDuration(
      "interestDebounceMs",
      given.interestDebounceMs ?? HUB_DEFAULTS.interestDebounceMs,
    ),
  };
}

/** The names of a hub's data, nested ones not included. */
export const HUB_CONFIG_NAMES: Readonly<Record<keyof HubConfig, true>> = {
  ...TOPIC_OPTION_NAMES,
  topics: true,
  classes: true,
  maxMessageBytes: true,
  maxSubscriptions: true,
  maxTopics: true,
  historyLoads: true,
  massSlowShare: true,
  retryDelayMs: true,
  flush: true,
  interestDebounceMs: true,
};

/** Identity and code: fixed when a hub is made. */
const HUB_CODE_NAMES: Readonly<Record<Exclude<keyof HubOptions, keyof HubConfig>, true>> = {
  history: true,
  epoch: true,
  lastOffset: true,
  authorize: true,
  onInterest: true,
  onError: true,
  clock: true,
};

function checkHistory(rule: HistoryRule, index: number): HistoryRule {
  checkNames(`history[${index}]`, rule, { pattern: true, source: true });
  checkPattern(rule.pattern);
  if (typeof rule.source?.load !== "function") {
    throw new TypeError(
      `history[${index}].source must have a method load(request), got ${String(rule.source)}`,
    );
  }
  return rule;
}

function checkHistoryLoads(given: HistoryLoadOptions = {}): Required<HistoryLoadOptions> {
  checkNames("historyLoads", given, { concurrency: true, timeoutMs: true, pageMessages: true });
  const standard = HUB_DEFAULTS.historyLoads;
  return {
    concurrency: checkWhole("historyLoads.concurrency", given.concurrency ?? standard.concurrency, 1),
    timeoutMs: checkDuration("historyLoads.timeoutMs", given.timeoutMs ?? standard.timeoutMs),
    pageMessages: checkWhole("historyLoads.pageMessages", given.pageMessages ?? standard.pageMessages, 1),
  };
}

function checkLastOffset(lastOffset: number, epoch: string | undefined): number {
  if (lastOffset > 0 && epoch === undefined) {
    throw new TypeError("lastOffset goes on with an earlier history: give its epoch as well");
  }
  return checkWhole("lastOffset", lastOffset, 0);
}

function checkEpoch(epoch: unknown): string {
  if (typeof epoch !== "string" || !/^[\w-]{1,64}$/.test(epoch)) {
    throw new TypeError(`epoch must be 1 to 64 letters, digits, "-" or "_", got ${String(epoch)}`);
  }
  return epoch;
}
