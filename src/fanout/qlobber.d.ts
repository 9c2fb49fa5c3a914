// The part of qlobber that the interest index uses; the package ships no types.
declare module "qlobber" {
  export interface QlobberOptions {
    separator?: string;
    /** Matches exactly one word. */
    wildcard_one?: string;
    /** Matches zero or more words. */
    wildcard_some?: string;
    max_words?: number;
  }
  export class Qlobber<Value> {
    constructor(options?: QlobberOptions);
    add(pattern: string, value: Value): this;
    remove(pattern: string, value?: Value): this;
    match(topic: string): Value[];
  }
  const qlobber: { Qlobber: typeof Qlobber };
  export default qlobber;
}
