/**
 * A place in one history: everything up to and including `offset` lies behind it. It is what a client hands
 * back to go on where it was.
 */
export interface Position {
  /** Identity of one history. Offsets of different epochs cannot be compared. */
  readonly epoch: string;
  /** Hub-wide number of a message, a safe integer >= 0; 0 is the place before the first message. */
  readonly offset: number;
}

/**
 * Where a subscription starts.
 *
 * - `"live"`: with the next message published.
 * - a {@link Position}: with the message after it. What is no longer retained is announced as a gap with the
 *   reason `trimmed`, before the first message.
 * - `"oldest"`: with the oldest message retained.
 * - `{ newest: n }`: with the newest `n` messages that match, as far as they are retained.
 * - `{ sinceMs: t }`: with the first message retained that was published at `t` or later, in Unix milliseconds.
 * - `"snapshot"`: with the latest message of every key of the topics that retain those; then live.
 */
export type Start =
  | "live"
  | "oldest"
  | "snapshot"
  | Position
  | { readonly newest: number }
  | { readonly sinceMs: number };
