/**
 * What waits for somebody's loop: an array without a bound, and the loop's sleep while it is empty. Taking from it costs the
 * same however long it is; that of `Array.shift` grows, and no baseline should lose for that.
 *
 * @module
 */
const SPENT_BEFORE_TRIM = 1024;

export class Backlog {
  #payloads: Uint8Array[] = [];
  /** Those before it are taken. */
  #next = 0;
  #wake: (() => void) | undefined;

  push(payload: Uint8Array): void {
    this.#payloads.push(payload);
    this.#wake?.();
  }

  shift(): Uint8Array | undefined {
    const payload = this.#payloads[this.#next];
    if (payload === undefined) return undefined;
    this.#next++;
    // At least half is spent, so what it costs to move the rest is shared by as many.
    if (this.#next >= SPENT_BEFORE_TRIM && this.#next * 2 >= this.#payloads.length) {
      this.#payloads = this.#payloads.slice(this.#next);
      this.#next = 0;
    }
    return payload;
  }

  /** The oldest, as soon as there is one. */
  async take(): Promise<Uint8Array> {
    for (;;) {
      const payload = this.shift();
      if (payload !== undefined) return payload;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }
}
