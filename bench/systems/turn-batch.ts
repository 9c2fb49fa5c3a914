/**
 * Gathers what is published in one turn of the event loop and hands it on as one buffer at the turn's end: one write per
 * subscriber however many messages that are, and no delay for a lone one.
 *
 * @module
 */
export class TurnBatch {
  readonly #flush: (batch: Buffer) => void;
  #chunks: Uint8Array[] = [];

  constructor(flush: (batch: Buffer) => void) {
    this.#flush = flush;
  }

  add(...chunks: readonly Uint8Array[]): void {
    if (this.#chunks.length === 0) {
      setImmediate(() => {
        const batch = Buffer.concat(this.#chunks);
        this.#chunks = [];
        this.#flush(batch);
      });
    }
    this.#chunks.push(...chunks);
  }
}
