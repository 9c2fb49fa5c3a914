import { SpillwayError } from "../errors.ts";
import type { OverflowPolicyName, QueueBounds } from "../protocol/index.ts";
import { type Access, grantOverflow } from "./access.ts";
import type { Rung } from "./escalation.ts";
import type { Rules, SubscriberSettings } from "./rules.ts";

/** What a subscriber asked for, of what its hub decides about. Checked for form. */
export interface Wishes {
  readonly overflow: OverflowPolicyName | undefined;
  readonly queue: Partial<QueueBounds> | undefined;
  readonly escalation: readonly Rung[] | undefined;
  readonly maxAgeMs: number | undefined;
  readonly lingerMs: number | undefined;
}

/** Most subscribers wish for nothing, and need no object of their own to say so. */
export const NO_WISHES: Wishes = {
  overflow: undefined,
  queue: undefined,
  escalation: undefined,
  maxAgeMs: undefined,
  lingerMs: undefined,
};

/** Who asks for it. */
export interface Subscriber {
  readonly patterns: readonly string[];
  readonly clientName: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  /** `undefined` for code of this process, which gets what it asks for. */
  readonly access: Access | undefined;
  readonly wishes: Wishes;
}

/** What it gets: the answer to its wishes, and how it is treated otherwise. */
export interface Grant {
  readonly class: string | undefined;
  readonly settings: SubscriberSettings;
  readonly overflow: OverflowPolicyName;
  readonly queue: QueueBounds;
  readonly escalation: readonly Rung[];
  /** In milliseconds; may be Infinity. */
  readonly maxAgeMs: number;
  /** `undefined`: as the message's topic says. */
  readonly lingerMs: number | undefined;
  /** Of its history loads. */
  readonly priority: number;
  /** The wishes of which less was granted, as the wire contract spells the request's fields. */
  readonly bounded: readonly string[];
}

/** By how they are treated and by class: what those get who wish for nothing and have no access of their own. */
const unasked = new WeakMap<SubscriberSettings, Map<string, Grant>>();

/**
 * One object for all who are granted the same because they asked for nothing.
 *
 * @throws SpillwayError `NOT_ALLOWED`, `REQUEST_INVALID`
 */
export function grant(subscriber: Subscriber, rules: Rules): Grant {
  const { access, wishes } = subscriber;
  const { name, settings } = settingsOf(subscriber, rules);
  if (wishes !== NO_WISHES || (access !== undefined && grantsSomething(access))) {
    return grantOf(subscriber, name, settings, rules);
  }
  let known = unasked.get(settings);
  if (known === undefined) {
    known = new Map();
    unasked.set(settings, known);
  }
  // A class that the options do not know is a name of `authorize`'s, of which there may be any number.
  const key = `${access === undefined ? "local" : "remote"} ${name ?? ""}`;
  const granted = known.get(key) ?? grantOf(subscriber, name, settings, rules);
  if (known.size < MOST_SHARED) known.set(key, granted);
  return granted;
}

const MOST_SHARED = 1_000;

function grantsSomething({ overflow, queue, escalation, priority }: Access): boolean {
  return [overflow, queue, escalation, priority].some((part) => part !== undefined);
}

function grantOf(
  subscriber: Subscriber,
  name: string | undefined,
  settings: SubscriberSettings,
  rules: Rules,
): Grant {
  const { access, wishes } = subscriber;
  const bounded: string[] = [];
  /** @param most - `undefined`: whatever is asked for */
  const atMost = (field: string, asked: number | undefined, standard: number, most: number | undefined) => {
    const granted = Math.min(asked ?? standard, most ?? Number.POSITIVE_INFINITY);
    if (asked !== undefined && granted < asked) bounded.push(field);
    return granted;
  };
  const ofQueue = (name: keyof QueueBounds) => {
    const most = access && (access.queue?.[name] ?? settings.maxQueue[name]);
    return atMost(`queue.${name}`, wishes.queue?.[name], settings.queue[name], most);
  };
  return {
    class: name,
    settings,
    overflow: overflowFor(subscriber, settings, rules),
    queue: { messages: ofQueue("messages"), bytes: ofQueue("bytes") },
    escalation: (access === undefined ? wishes.escalation : access.escalation) ?? settings.escalation,
    maxAgeMs: atMost("max_age_ms", wishes.maxAgeMs, settings.maxAgeMs, access && settings.maxAgeMs),
    lingerMs: wishes.lingerMs ?? settings.lingerMs,
    priority: access?.priority ?? settings.priority,
    bounded,
  };
}

/**
 * What a subscriber that is there already gets under other rules. What it would not be granted any more gives way to
 * what is granted unasked; nobody is thrown out for that.
 */
export function regrant(subscriber: Subscriber, rules: Rules): Grant {
  for (const attempt of attempts(subscriber)) {
    try {
      return grant(attempt, rules);
    } catch (error) {
      if (!(error instanceof SpillwayError)) throw error;
    }
  }
  throw new Error("the rules contradict themselves: they were not checked");
}

/** What it asked for and was granted, and then less and less of it; the last cannot be refused. */
function* attempts(subscriber: Subscriber): Iterable<Subscriber> {
  yield subscriber;
  const { access, wishes } = subscriber;
  const unasked: Subscriber = { ...subscriber, wishes: { ...wishes, overflow: undefined } };
  yield unasked;
  yield withoutParking(subscriber);
  yield withoutParking(unasked);
  const { overflow: _, ...bare } = access ?? {};
  yield withoutParking({ ...unasked, access: access && bare });
}

/** Without the rungs that park. */
function withoutParking({ access, wishes, ...rest }: Subscriber): Subscriber {
  const keep = (rungs: readonly Rung[] | undefined) => rungs?.filter(({ policy }) => policy !== "park");
  const escalation = keep(access?.escalation);
  return {
    ...rest,
    access: access && (escalation === undefined ? access : { ...access, escalation }),
    wishes: { ...wishes, escalation: keep(wishes.escalation) },
  };
}

function settingsOf({ patterns, clientName, labels, access }: Subscriber, rules: Rules) {
  const name = rules.classOf({ clientName, labels, identity: access?.identity }, access?.class);
  return { name, settings: rules.subscriber(patterns, name) };
}

function overflowFor(
  { access, wishes }: Subscriber,
  settings: SubscriberSettings,
  rules: Rules,
): OverflowPolicyName {
  const granted =
    access === undefined
      ? (wishes.overflow ?? settings.overflow)
      : grantOverflow(access, wishes.overflow, settings);
  const rungs = (access === undefined ? wishes.escalation : access.escalation) ?? [];
  const field = granted === "park" ? "overflow" : "escalation";
  if (rules.retains || (granted !== "park" && rungs.every(({ policy }) => policy !== "park"))) return granted;
  throw new SpillwayError(
    "REQUEST_INVALID",
    "the overflow policy park needs a replay log, and this hub retains nothing: set its option retention",
    { field },
  );
}
