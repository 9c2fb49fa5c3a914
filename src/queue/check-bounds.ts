import type { QueueBounds } from "../protocol/index.ts";

/** @throws RangeError for a bound that is no whole number of at least 1: nothing would ever fit */
export function checkBounds(bounds: QueueBounds): void {
  for (const [name, bound] of Object.entries(bounds)) {
    if (!Number.isSafeInteger(bound) || bound < 1) {
      throw new RangeError(`the bound of ${name} must be a whole number of at least 1, got ${bound}`);
    }
  }
}
