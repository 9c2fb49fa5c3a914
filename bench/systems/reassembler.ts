/**
 * Cuts a byte stream into its units, wherever the chunks it comes in end. What is complete is taken from the chunk as it
 * is; only a unit that lies across a border is copied, and only once, however many chunks it takes.
 *
 * @module
 */

/**
 * Looks at the unit that begins at `at`, and returns where it ends. An end within `bytes` means that the unit is complete
 * and was dealt with; an end beyond means that it takes at least so many bytes, and nothing was done about it yet.
 */
export type Cut = (bytes: Buffer, at: number) => number;

export class Reassembler {
  readonly #cut: Cut;
  /** Chunks of a unit that is not complete. */
  #parts: Buffer[] = [];
  #length = 0;
  #needed = 0;

  constructor(cut: Cut) {
    this.#cut = cut;
  }

  readonly feed = (chunk: Buffer): void => {
    const bytes = this.#joined(chunk);
    if (bytes === undefined) return;
    let at = 0;
    while (at < bytes.length) {
      const end = this.#cut(bytes, at);
      if (end > bytes.length) {
        this.#keep(bytes.subarray(at), end - at);
        return;
      }
      at = end;
    }
  };

  #joined(chunk: Buffer): Buffer | undefined {
    if (this.#length === 0) return chunk;
    this.#parts.push(chunk);
    this.#length += chunk.length;
    if (this.#length < this.#needed) return undefined;
    const bytes = Buffer.concat(this.#parts, this.#length);
    this.#parts = [];
    this.#length = 0;
    return bytes;
  }

  #keep(rest: Buffer, needed: number): void {
    this.#parts = [rest];
    this.#length = rest.length;
    this.#needed = needed;
  }
}
