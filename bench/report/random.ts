/** Numbers that look random and are the same every time: a report made again must not differ. @module */

/** Numbers from 0 up to but without 1, after the sfc32 generator. */
export function randomFrom(seed: number, text = ""): () => number {
  let a = 0x9e3779b9;
  let b = seed | 0;
  let c = hash(text);
  let counter = 1;
  const next = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    c |= 0;
    return (sum >>> 0) / 2 ** 32;
  };
  // The first numbers still show the seed.
  for (let round = 0; round < 15; round++) next();
  return next;
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let state = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    state = Math.imul(state ^ text.charCodeAt(index), 0x01000193);
  }
  return state | 0;
}
