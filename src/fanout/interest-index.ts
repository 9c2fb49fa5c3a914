import qlobber from "qlobber";
import { MAX_TOKENS } from "./topic-names.ts";

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

  constructor(pattern: string) {
    this.pattern = pattern;
  }
}

class Member<S> implements Membership<S> {
  readonly interest: Group<S>;
  index: number;

  constructor(interest: Group<S>, index: number) {
    this.interest = interest;
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
  #version = 0;

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
    }
    const member = new Member(group, group.subscribers.length);
    group.subscribers.push(subscriber);
    group.members.push(member);
    return member;
  }

  /** Must not be called while somebody walks the interest's subscribers: the last one moves into the gap. */
  leave(membership: Membership<S>): void {
    const { interest: group, index } = membership as Member<S>;
    const lastSubscriber = group.subscribers.pop();
    const lastMember = group.members.pop();
    if (lastMember !== undefined && lastMember !== membership) {
      group.subscribers[index] = lastSubscriber as S;
      group.members[index] = lastMember;
      lastMember.index = index;
    }
    if (group.subscribers.length === 0) {
      this.#groups.delete(group.pattern);
      this.#trie.remove(triePattern(group.pattern), group);
      this.#version++;
    }
  }

  /** The interests that a topic serves, each once. A subscriber with several patterns can be in several. */
  match(topic: string): readonly Interest<S>[] {
    return this.#trie.match(topic);
  }
}

/** The trie's `>` matches zero tokens too; ours at least one. */
function triePattern(pattern: string): string {
  return pattern === ">" ? "*.>" : pattern.endsWith(".>") ? `${pattern.slice(0, -1)}*.>` : pattern;
}
