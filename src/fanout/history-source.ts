/** A message as an application's store has it. */
export interface StoredMessage {
  /** The hub's number of it: what `publish` returned. */
  readonly offset: number;
  readonly payload: Uint8Array | string;
  readonly key?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Unix time in milliseconds. */
  readonly publishedAtMs: number;
  /** @default false */
  readonly tombstone?: boolean | undefined;
}

export interface HistoryRequest {
  readonly topic: string;
  /** Messages with higher offsets are wanted, the lowest first … */
  readonly after: number;
  /** … up to this one. What comes behind it is in the replay log. */
  readonly through: number;
  /** At most so many. */
  readonly limit: number;
  /** Aborted when nobody waits for the page any more, or it took too long. */
  readonly signal: AbortSignal;
}

export interface HistoryPage {
  /** Ascending by offset. */
  readonly messages: readonly StoredMessage[];
  /** The page is complete up to this offset: `through` of the request when it holds the last of it. */
  readonly through: number;
}

/**
 * Where the past of a topic is kept beyond its replay log: a database, a log. The hub asks it for what a subscriber
 * needs and the log has trimmed; it never waits for a subscriber. For topics that retain the latest message per key,
 * the latest ones are enough.
 */
export interface HistorySource {
  /** May reject: the subscribers who waited are told a gap and go on. */
  load(request: HistoryRequest): Promise<HistoryPage>;
}

/** Topics that match the pattern have this source; the first rule whose pattern matches counts. */
export interface HistoryRule {
  readonly pattern: string;
  readonly source: HistorySource;
}

export interface HistoryLoadOptions {
  /**
   * Most loads that run at once, whatever the number of subscribers who come back.
   *
   * @default 8
   */
  readonly concurrency?: number;
  /**
   * A load that takes longer fails, in milliseconds.
   *
   * @default 10_000
   */
  readonly timeoutMs?: number;
  /**
   * Most messages of one page.
   *
   * A subscriber that catches up holds one page of each of its topics, shared with those at the same place.
   *
   * @default 256
   */
  readonly pageMessages?: number;
}
