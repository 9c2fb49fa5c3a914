/** The section `hub`: the data options of `new Hub(…)` and `hub.reconfigure(…)`. @module */
import type { FlushLimits, HistoryLoadOptions, HubConfig } from "../../fanout/index.ts";
import { mapOf, section } from "../structures.ts";
import { duration, share, size, whole } from "../values.ts";
import { classSchema, PATTERN_RULE, topicSchema, topicShape } from "./subscribers.ts";

const CLASS_NAME = /^[A-Za-z][\w-]{0,63}$/;

export const hubSchema = section<HubConfig>(
  {
    ...topicShape,
    topics: mapOf(
      PATTERN_RULE,
      topicSchema,
      "What topics have of their own, by pattern. The most specific pattern counts first, value by value.",
    ),
    classes: mapOf(
      {
        what: "the name of a class",
        fault: (name) =>
          CLASS_NAME.test(name)
            ? undefined
            : 'expected a name that begins with a letter and has letters, digits, "-" and "_", at most 64',
        pattern: CLASS_NAME,
      },
      classSchema,
      "What subscribers have of their own, by the name of their class; it counts before `topics`. A subscriber belongs " +
        "to the class that the `authorize` hook names, else to the first here whose `match` holds.",
    ),
    maxMessageBytes: size(
      "Largest message: payload, key and headers. A larger one is refused when published.",
    ),
    maxSubscriptions: whole(1, "Most subscriptions at once. One more is refused."),
    maxTopics: whole(
      2,
      "Most topics remembered. Beyond it the ones not published to for longest are forgotten, with what was retained.",
    ),
    historyLoads: section<HistoryLoadOptions>(
      {
        concurrency: whole(
          1,
          "Most loads that run at once, whatever the number of subscribers who come back.",
        ),
        timeout: duration("A load that takes longer fails."),
        pageMessages: whole(1, "Most messages of one page."),
      },
      "How loads from history sources are admitted.",
    ),
    massSlowShare: share(
      "When so large a share of all subscribers, and at least ten, is slow at once, evictions due to time pause for at " +
        "most a minute.",
    ),
    retryDelay: duration(
      "The delay before coming back that is suggested to those who are sent away; each gets between half and one and a " +
        "half times as much.",
    ),
    flush: section<Partial<FlushLimits>>(
      {
        slice: duration("Most time for one turn."),
        batches: whole(1, "Most batches in one turn."),
      },
      "One turn of the flush, before the event loop gets to serve everything else.",
    ),
    interestDebounce: duration(
      "How long a pattern must be without subscribers before the application is told.",
    ),
  },
  "Queues, limits and what becomes of slow subscribers.",
);
