import type { QueueBounds } from "../protocol/index.ts";
import { type Level, resolveLevels, type Voice } from "./levels.ts";
import type { HubConfig } from "./options.ts";
import {
  type SubscriberSettings,
  subscriberSettings,
  subscriberStack,
  topicSettings,
  voiceFor,
} from "./rules.ts";

/** One option as it counts for somebody, and who says so. */
export interface ExplainedOption {
  /** The option: `["queue", "bytes"]`. */
  readonly path: readonly string[];
  /** `undefined`: as the message's topic says. */
  readonly value: unknown;
  /**
   * The option of the hub that says it: `["topics", "prices.>", "queue", "bytes"]`, or `["topics", "prices.>", "preset"]`;
   * `undefined`: it is the default.
   */
  readonly said: readonly string[] | undefined;
}

export interface ExplainedOptions {
  /** How a subscription is treated. */
  readonly subscriber: readonly ExplainedOption[];
  /** How a topic is treated. */
  readonly topic: readonly ExplainedOption[];
}

/**
 * What counts for a remote subscription that asks for nothing, and for the topics that its patterns name.
 *
 * @param patterns - none: a subscription that no pattern covers but `>`, which covers all
 * @throws TypeError or RangeError when the options are wrong
 */
export function explainOptions(
  config: HubConfig,
  patterns: readonly string[],
  className: string | undefined,
): ExplainedOptions {
  const levels = resolveLevels(config);
  const asked = patterns.length === 0 ? [">"] : patterns;
  return {
    subscriber: explainSubscriber(subscriberStack(levels, asked, className)),
    topic: explainTopic(subscriberStack(levels, asked, undefined)),
  };
}

function explainSubscriber(stack: Level): readonly ExplainedOption[] {
  const { lingerMs, ...settings } = subscriberSettings(stack);
  const explained = Object.entries(settings).flatMap(([name, value]): ExplainedOption[] => {
    const option = name as keyof typeof settings;
    if (!isTakenApart(option)) return [{ path: [option], value, said: whoSays(stack, option) }];
    return Object.entries(value).map(([field, part]) => {
      const { value, said } = explainField(stack, settings, option, field as keyof QueueBounds, part);
      return { path: [option, field], value, said };
    });
  });
  // What a pattern or the hub says of it is its topics'.
  const linger = lingerMs === undefined ? undefined : whoSays(stack, "lingerMs");
  return [...explained, { path: ["lingerMs"], value: lingerMs, said: linger }];
}

function explainField(
  stack: Level,
  { queue, maxQueue }: Pick<SubscriberSettings, "queue" | "maxQueue">,
  option: keyof Voice["says"],
  field: keyof QueueBounds,
  value: number,
): Omit<ExplainedOption, "path"> {
  const said = whoSays(stack, option, field);
  // A queue from one level is cut to what another allows at most.
  if (option === "queue" && value > maxQueue[field]) {
    return { value: maxQueue[field], said: whoSays(stack, "maxQueue", field) };
  }
  // Where nobody says it, that is at least as much as the queue.
  if (option === "maxQueue" && said === undefined && value === queue[field]) {
    return { value, said: whoSays(stack, "queue", field) };
  }
  return { value, said };
}

/** Whether each of its fields counts by itself. */
function isTakenApart(option: string): boolean {
  return option === "queue" || option === "maxQueue" || option === "watermarks" || option === "batch";
}

function explainTopic(stack: Level): readonly ExplainedOption[] {
  const { retention, lingerMs } = topicSettings(stack);
  return [
    { path: ["retention"], value: retention ?? false, said: whoSays(stack, "retention") },
    { path: ["lingerMs"], value: lingerMs, said: whoSays(stack, "lingerMs") },
  ];
}

function whoSays(stack: Level, name: keyof Voice["says"], field?: string): readonly string[] | undefined {
  const voice = voiceFor(stack, name, field);
  if (voice === undefined || voice.path.at(-1) === "preset") return voice?.path;
  return [...voice.path, name, ...(field === undefined ? [] : [field])];
}
