/**
 * Where a hub's history ends now. Plain fields that only the hub changes: every subscription reads them for every
 * batch, and a field costs less than a call.
 */
export interface Front {
  /** The newest offset there is. Every message up to it is in its log, if its topic has one. */
  readonly lastOffset: number;
  /** Every live subscription has been offered everything up to this offset. */
  readonly evaluatedThrough: number;
  /** Whether any message ever had a time to live. */
  readonly anyExpires: boolean;
}
