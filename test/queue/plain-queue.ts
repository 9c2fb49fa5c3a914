/**
 * What a bounded queue should do, worked out with plain arrays: slow and obvious, and independent of the queue. The line
 * holds what waits and, at the place where it happened, each single loss and whatever else somebody has noted there.
 */
import type { OverflowPolicyName, QueueBounds } from "../../src/protocol/index.ts";
import type { LossReason, OfferOutcome, QueueItem } from "../../src/queue/index.ts";

interface Waiting<T> {
  readonly item: T;
  /** The offset that its place in line began with. */
  readonly first: number;
}

interface Lost<T> {
  readonly lost: T;
  readonly reason: LossReason;
}

interface Noted<N> {
  readonly noted: N;
}

export type Entry<T, N> = Waiting<T> | Lost<T> | Noted<N>;

export const isWaiting = <T, N>(entry: Entry<T, N>): entry is Waiting<T> => "item" in entry;
export const isLost = <T, N>(entry: Entry<T, N>): entry is Lost<T> => "lost" in entry;
export const isNoted = <T, N>(entry: Entry<T, N>): entry is Noted<N> => "noted" in entry;

/** What becomes of an item that finds no room, and of what waits when there is more of it than the bounds allow. */
interface Law {
  readonly full: "displace" | Extract<OfferOutcome, "refused" | "parked" | "overrun">;
  readonly keeps: "newest" | "oldest" | "all";
}

const LAWS: Readonly<Record<OverflowPolicyName, Law>> = {
  "drop-oldest": { full: "displace", keeps: "newest" },
  "drop-newest": { full: "refused", keeps: "oldest" },
  conflate: { full: "displace", keeps: "newest" },
  park: { full: "parked", keeps: "all" },
  block: { full: "parked", keeps: "all" },
  evict: { full: "overrun", keeps: "all" },
};

/** Whether a policy makes what waits fit into smaller bounds. */
export const trims = (policy: OverflowPolicyName): boolean => LAWS[policy].keeps !== "all";

export const weightOf = (items: readonly QueueItem[]) => items.reduce((sum, { bytes }) => sum + bytes, 0);

export class PlainQueue<T extends QueueItem, N = never> {
  policy: OverflowPolicyName;
  bounds: QueueBounds;
  line: Entry<T, N>[] = [];
  /** In the order in which they are told. */
  readonly losses: { readonly offset: number; readonly reason: LossReason }[] = [];
  conflated = 0;

  constructor(policy: OverflowPolicyName, bounds: QueueBounds) {
    this.policy = policy;
    this.bounds = bounds;
  }

  get waiting(): T[] {
    return this.line.filter(isWaiting).map(({ item }) => item);
  }

  /** The offset that the head's place began with. */
  get first(): number | undefined {
    return this.line.find(isWaiting)?.first;
  }

  allows(items: readonly QueueItem[]): boolean {
    return items.length <= this.bounds.messages && weightOf(items) <= this.bounds.bytes;
  }

  lost(reason: LossReason): number {
    return this.losses.filter((loss) => loss.reason === reason).length;
  }

  offer(item: T): OfferOutcome {
    if (item.bytes > this.bounds.bytes) {
      this.line.push(this.#lose(item, "oversize"));
      return "oversize";
    }
    const unread = this.policy === "conflate" ? this.#unreadLike(item) : undefined;
    if (unread !== undefined) {
      this.#replace(unread, item);
      return "conflated";
    }
    const { full } = LAWS[this.policy];
    const fits = this.allows([...this.waiting, item]);
    if (!fits && full === "refused") this.line.push(this.#lose(item, "overflow"));
    if (!fits && full !== "displace") return full;
    while (!this.allows([...this.waiting, item])) this.#dropOldestBut(undefined);
    this.line.push({ item, first: item.offset });
    return fits ? "queued" : "displaced";
  }

  /** What stands before the head stays, and stands before the next one then. */
  take(): T | undefined {
    const index = this.line.findIndex(isWaiting);
    return index < 0 ? undefined : (this.line.splice(index, 1)[0] as Waiting<T>).item;
  }

  changePolicy(policy: OverflowPolicyName): void {
    this.changeBounds(this.bounds, policy);
  }

  changeBounds(bounds: QueueBounds, policy = this.policy): void {
    if (policy === "conflate" && this.policy !== "conflate") this.#conflateAll();
    this.bounds = bounds;
    this.policy = policy;
    this.#trim();
  }

  /** Losses and notes, each with how many items wait before it. */
  places(nameOf: (note: N) => string): Map<string, number> {
    const places = new Map<string, number>();
    let before = 0;
    for (const entry of this.line) {
      if (isWaiting(entry)) before++;
      else if (isLost(entry)) places.set(`${entry.lost.offset} lost`, before);
      else places.set(nameOf(entry.noted), before);
    }
    return places;
  }

  #unreadLike({ identity }: T): Waiting<T> | undefined {
    return this.line
      .filter(isWaiting)
      .find(({ item }) => identity !== undefined && item.identity === identity);
  }

  #replace(unread: Waiting<T>, item: T): void {
    const replacement = { item, first: unread.first };
    this.line[this.line.indexOf(unread)] = replacement;
    this.conflated++;
    while (weightOf(this.waiting) > this.bounds.bytes) this.#dropOldestBut(replacement);
  }

  #dropOldestBut(spared: Waiting<T> | undefined): void {
    const index = this.line.findIndex((entry) => isWaiting(entry) && entry !== spared);
    const loss = this.#lose((this.line[index] as Waiting<T>).item, "overflow");
    const sparedAt = spared === undefined ? -1 : this.line.indexOf(spared);
    if (sparedAt < 0 || sparedAt > index) {
      this.line[index] = loss;
    } else {
      // The spared one moves up into the place of the lost one, so what lay between now lies before it.
      const between = this.line.splice(sparedAt, index - sparedAt + 1).slice(1, -1);
      this.line.splice(sparedAt, 0, ...between, loss, spared!);
    }
  }

  /** The newest of an identity stands where its oldest did, and the others are gone. */
  #conflateAll(): void {
    for (const entry of this.line.filter(isWaiting)) {
      const oldest = this.#unreadLike(entry.item);
      if (oldest === undefined || oldest === entry) continue;
      this.line[this.line.indexOf(oldest)] = { item: entry.item, first: oldest.first };
      this.line.splice(this.line.indexOf(entry), 1);
      this.conflated++;
    }
  }

  /** Keeps as many as fit, from the one end or the other. */
  #trim(): void {
    const { keeps } = LAWS[this.policy];
    const { waiting } = this;
    let kept = waiting;
    for (let most = waiting.length; keeps !== "all" && !this.allows(kept); ) {
      most--;
      kept = keeps === "oldest" ? waiting.slice(0, most) : waiting.slice(waiting.length - most);
    }
    this.line = this.line.map((entry) =>
      isWaiting(entry) && !kept.includes(entry.item) ? this.#lose(entry.item, "overflow") : entry,
    );
  }

  #lose(item: T, reason: LossReason): Lost<T> {
    this.losses.push({ offset: item.offset, reason });
    return { lost: item, reason };
  }
}
