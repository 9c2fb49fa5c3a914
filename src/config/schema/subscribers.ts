/** What the file says about the treatment of subscribers and topics, at each of its levels. @module */
import {
  type BatchLimits,
  type ClassMatch,
  type ClassOptions,
  type CompactedRetention,
  checkPattern,
  PRESETS,
  type PresetName,
  type Retention,
  type Rung,
  type SequentialRetention,
  type SlowCondition,
  type SubscriberOptions,
  type TopicOptions,
  type Watermarks,
} from "../../fanout/index.ts";
import { OVERFLOW_POLICIES, type OverflowPolicyName, type QueueBounds } from "../../protocol/index.ts";
import { isMap } from "../kinds.ts";
import { falseOr, listOf, mapOf, type ShapeOf, section } from "../structures.ts";
import { duration, number, oneOf, onlyTrue, share, size, type TextRule, text, whole } from "../values.ts";

/** What `checkPattern` says of a text. */
export const PATTERN_RULE: TextRule = {
  what: 'a pattern of topics, such as "prices.*" or "prices.>"',
  fault(pattern) {
    try {
      checkPattern(pattern);
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  },
  pattern: /^[^\s.]+(\.[^\s.]+)*$/,
};

const condition = section<SlowCondition>(
  {
    fullFor: duration(
      "Its queue has been above the high watermark, without falling to the low one, for so long.",
    ),
    lag: duration("Its oldest undelivered message is so old."),
    lagMessages: whole(0, "So many messages wait or are in flight.", 2_147_483_647),
    lagBytes: size("So many bytes wait or are in flight.", 2_147_483_647),
    stalledFor: duration("Its write has been stalled (see `stallTimeout`) for so long."),
  },
  "When the rung holds: all conditions that are given.",
  { some: true },
);

const rungPolicies = OVERFLOW_POLICIES.filter(
  (policy): policy is Exclude<OverflowPolicyName, "block"> => policy !== "block",
);

export const rungSchema = section<Rung>(
  {
    when: condition,
    policy: oneOf(rungPolicies, "The overflow policy while the rung holds; `evict` ends the subscription."),
  },
  "What is done about a slow subscriber under one condition.",
  { id: "rung", required: ["when", "policy"] },
);

/** By these one tells which form of retention was meant; the last as code calls it. */
const COMPACTED_ONLY = ["latestPerKey", "keys", "tombstoneAge", "tombstoneAgeMs"];

const sequential = section<SequentialRetention>(
  {
    messages: whole(1, "Most messages per topic."),
    bytes: size("Most bytes per topic."),
    age: duration("What is older is not replayed, and forgotten soon after.", { forever: true }),
  },
  "The newest messages of a topic, in order. All bounds hold at once.",
);

const compacted = section<CompactedRetention>(
  {
    latestPerKey: onlyTrue("Retains the latest message per key; messages without a key are refused."),
    keys: whole(1, "Most keys per topic; beyond it the key unchanged for longest is forgotten."),
    tombstoneAge: duration(
      "How long a deletion is remembered: as long as a subscriber may be away and still learn of it.",
      { forever: true },
    ),
  },
  "The latest message per key of a topic.",
  { required: ["latestPerKey"] },
);

const queue = (description: string) =>
  section<Partial<QueueBounds>>(
    { messages: whole(1, "Most messages."), bytes: size("Most bytes of payload, keys and headers.") },
    description,
  );

const subscriberShape: ShapeOf<SubscriberOptions> = {
  preset: oneOf(
    Object.keys(PRESETS) as PresetName[],
    "A starting point by what the feed is for. Its values count where this level says nothing itself.",
  ),
  overflow: oneOf(
    OVERFLOW_POLICIES,
    "What happens to a message that finds a subscriber's queue full, where the subscriber does not say.",
  ),
  allowedOverflow: listOf(
    oneOf(OVERFLOW_POLICIES, "An overflow policy."),
    "The overflow policies that a remote subscriber may ask for. `block` lets it slow down the publishers.",
    { least: 1 },
  ),
  queue: queue(
    "Bounds of a subscriber's queue, where the subscriber does not say. Payloads are shared by all queues.",
  ),
  maxQueue: queue(
    "The most that a remote subscriber may ask for; by default at least as much as `queue`. More is bounded to this.",
  ),
  maxAge: duration("The oldest message that is still sent, by the time since it was published.", {
    forever: true,
    positive: true,
  }),
  escalation: listOf(
    rungSchema,
    "What is done about a slow subscriber: rungs from mild to strict. The highest whose condition holds counts.",
  ),
  recovery: duration("How long a subscriber must be free of a rung's reason before it comes down from it."),
  newcomerGrace: duration(
    "How long a new subscriber is not judged: it has just been sent everything at once.",
  ),
  watermarks: section<Partial<Watermarks>>(
    {
      high: share("Fullness at which a subscriber begins to count as slow."),
      low: share("Fullness at which it no longer does."),
    },
    "How full a queue is when its subscriber begins and ceases to be slow.",
  ),
  stallTimeout: duration(
    "A write without progress for this long makes a subscription `stalled`. Grows with the batch by `minBytesPerSecond`.",
  ),
  minBytesPerSecond: whole(
    1,
    "The slowest reader that still counts as moving: a batch of n bytes may take n / `minBytesPerSecond` seconds longer.",
  ),
  blockTimeout: duration(
    "How long a blocking subscriber may ask its publishers to wait. Then it is parked, or evicted where nothing is retained.",
  ),
  progressInterval: duration(
    "How often a subscriber whose position moved while no message told it so is sent a progress frame.",
  ),
  batch: section<Partial<BatchLimits>>(
    { frames: whole(1, "Most frames."), bytes: size("Most bytes; one message may exceed it.") },
    "One batch to one subscriber. What is in it is beyond the reach of the policies.",
  ),
};

const linger = (description: string) => duration(description, { most: 1_000 });

/** Of a topic pattern, and of the hub as a whole. */
export const topicShape: ShapeOf<TopicOptions> = {
  ...subscriberShape,
  retention: falseOr<Retention>(
    [sequential, compacted],
    "What is retained of each topic for those who come back or were parked: the newest messages, the latest per key, " +
      "or nothing. Counts as a whole.",
    (value) => (isMap(value) && COMPACTED_ONLY.some((key) => Object.hasOwn(value, key)) ? 1 : 0),
  ),
  linger: linger(
    "How long a message may wait for others to be sent with: fewer wake-ups and system calls, for so much latency.",
  ),
};

export const topicSchema = section<TopicOptions>(
  topicShape,
  "What the topics of one pattern have of their own.",
  {
    id: "topic",
  },
);

const matching = "`*` stands for any characters, also none";

const match = section<ClassMatch>(
  {
    clientName: text(`What the client calls itself; ${matching}. A claim, not a proof.`),
    labels: mapOf(
      { what: "the name of a label", fault: () => undefined },
      text(`The value of the label; ${matching}.`),
      "Labels that must be there, with their values. A claim, not a proof.",
      { some: true },
    ),
    identity: text(`What the \`authorize\` hook found the caller to be; ${matching}.`),
  },
  "Who belongs to the class: all that is given must hold. Without it only those do whom the `authorize` hook puts there.",
  { some: true },
);

export const classSchema = section<ClassOptions>(
  {
    match,
    priority: number("When loads from history sources wait in line, those with a higher priority go first."),
    ...subscriberShape,
    linger: linger(
      "How long a message may wait for others to be sent with. Counts before what its topic says.",
    ),
  },
  "What the subscribers of one class have of their own.",
  { id: "class" },
);
