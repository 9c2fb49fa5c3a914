import qlobber from "qlobber";
import { MAX_TOKENS, triePattern } from "./topic-names.ts";

/** All subscribers of one pattern. */
export interface Interest<S> {
  readonly pattern: string;
  /** In no particular order. Not to be kept: it changes in place. */
  readonly subscribers: readonly S[];
}

/** One subscriber's place in one interest; what {@link InterestIndex.leave} needs to find it at once. */
export interface Membership<S> {
  readonly interest: Interest<S>;
}

class Group<S> implements Interest<S> {
  readonly pattern: string;
  readonly subscribers: S[] = [];
  /** In step with `subscribers`. */
  readonly members: Member<S>[] = [];
  /** Members that rest; they are in no list. */
  resting = 0;

  constructor(pattern: string) {
    this.pattern = pattern;
  }
}

class Member<S> implements Membership<S> {
  readonly interest: Group<S>;
  readonly subscriber: S;
  /** Its place in the lists; -1 while it rests. */
  index: number;

  constructor(interest: Group<S>, subscriber: S, index: number) {
    this.interest = interest;
    this.subscriber = subscriber;
    this.index = index;
  }
}

/**
 * From a topic to its subscribers. Patterns live in a trie, subscribers in one list per distinct pattern, so
 * joining and leaving a pattern that others have too is O(1), and a topic that remembers its interests (see
 * {@link InterestIndex.version}) publishes without walking anything.
 */
export class InterestIndex<S> {
  readonly #groups = new Map<string, Group<S>>();
  readonly #trie = new qlobber.Qlobber<Group<S>>({
    separator: ".",
    wildcard_one: "*",
    wildcard_some: ">",
    max_words: MAX_TOKENS + 1,
  });
  readonly #events: { first(pattern: string): void; last(pattern: string): void } | undefined;
  #version = 0;

  /** @param events - told of the first and the last subscriber of each pattern */
  constructor(events?: { first(pattern: string): void; last(pattern: string): void }) {
    this.#events = events;
  }

  /** Changes when a pattern comes or goes. What `match` returned is right for as long as it stays the same. */
  get version(): number {
    return this.#version;
  }

  join(pattern: string, subscriber: S): Membership<S> {
    let group = this.#groups.get(pattern);
    if (group === undefined) {
      group = new Group<S>(pattern);
      this.#groups.set(pattern, group);
      this.#trie.add(triePattern(pattern), group);
      this.#version++;
      this.#events?.first(pattern);
    }
    const member = new Member(group, subscriber, group.subscribers.length);
    group.subscribers.push(subscriber);
    group.members.push(member);
    return member;
  }

  /** Must not be called while somebody walks the interest's subscribers: the last one moves into the gap. */
  leave(membership: Membership<S>): void {
    const member = membership as Member<S>;
    const { interest: group } = member;
    if (member.index === -1) group.resting--;
    else takeOut(member);
    if (group.subscribers.length + group.resting === 0) {
      this.#groups.delete(group.pattern);
      this.#trie.remove(triePattern(group.pattern), group);
      this.#version++;
      this.#events?.last(group.pattern);
    }
  }

  /** Keeps the membership, but takes the subscriber out of the list. Same caution as with `leave`. */
  rest(membership: Membership<S>): void {
    const member = membership as Member<S>;
    if (member.index === -1) return;
    takeOut(member);
    member.index = -1;
    member.interest.resting++;
  }

  /** Puts a subscriber that rests back into the list, at its end. */
  wake(membership: Membership<S>): void {
    const member = membership as Member<S>;
    if (member.index !== -1) return;
    const { interest: group } = member;
    group.resting--;
    member.index = group.subscribers.length;
    group.subscribers.push(member.subscriber);
    group.members.push(member);
  }

  /** The interests that a topic serves, each once. A subscriber with several patterns can be in several. */
  match(topic: string): readonly Interest<S>[] {
    return this.#trie.match(topic);
  }
}

function takeOut<S>(member: Member<S>): void {
  const { subscribers, members } = member.interest;
  const lastSubscriber = subscribers.pop()!;
  const lastMember = members.pop()!;
  if (lastMember === member) return;
  subscribers[member.index] = lastSubscriber;
  members[member.index] = lastMember;
  lastMember.index = member.index;
}
