/**
 * Who subscribes: groups that the configurations may treat differently, and in each of them clients of every kind.
 *
 * All configurations that are compared get the same crowd, so it is made of what any of them says: a group for each topic
 * pattern, a group for each class, and one for which neither holds.
 *
 * @module
 */
import type { HubConfig } from "../../../src/fanout/index.ts";
import type { Group, Guise, Kind } from "../../config-results.ts";
import { plainTopic, topicFor } from "./feeds.ts";
import { guiseFor } from "./guises.ts";

export interface CrowdOptions {
  /** Healthy ones altogether, as far as they can be spread evenly over the groups; at least one in each. */
  readonly subscribers: number;
  /** In percent of what is published: how much the slow ones read. In each group one of each. */
  readonly slow: readonly number[];
  /** Also a group for each class on each topic, rather than on one. */
  readonly cross: boolean;
}

export interface Crowd {
  readonly topics: readonly string[];
  readonly groups: readonly Group[];
  /** @param rate - messages a second, on each topic */
  kinds(rate: number): readonly Kind[];
}

export function crowdFor(hubs: readonly HubConfig[], options: CrowdOptions): Crowd {
  const groups = groupsFor(hubs, options.cross);
  return {
    topics: [...new Set(groups.map(({ topic }) => topic))],
    groups,
    kinds: (rate) => groups.flatMap(({ name }) => kindsOf(name, rate, groups.length, options)),
  };
}

export function groupsFor(hubs: readonly HubConfig[], cross: boolean): readonly Group[] {
  const patterns = unique(hubs.flatMap(({ topics = {} }) => Object.keys(topics)));
  const plain = plainTopic(patterns);
  const places = uniqueBy(
    [
      ...(plain === undefined ? [] : [{ name: "others", topic: plain }]),
      ...patterns.map((pattern) => ({ name: pattern, topic: topicFor(pattern) })),
    ],
    ({ topic }) => topic,
  );
  const [first] = places;
  const looks = guisesOf(hubs);
  return namedApart([
    ...places.map((place) => ({ ...place, guise: {} })),
    ...places
      .filter((place) => cross || place === first)
      .flatMap(({ name: on, topic }) =>
        looks.map(({ name, guise }) => ({
          name: topic === first?.topic ? name : `${name} on ${on}`,
          topic,
          guise,
        })),
      ),
  ]);
}

/** A class can have the name of a pattern, and two configurations can match classes of one name differently. */
function namedApart(groups: readonly Group[]): readonly Group[] {
  return groups.map((group, index) => {
    const before = groups.slice(0, index).filter(({ name }) => name === group.name).length;
    return before === 0 ? group : { ...group, name: `${group.name} (${before + 1})` };
  });
}

/** Of every class of any of them. A class that two of them match differently is there twice. */
function guisesOf(hubs: readonly HubConfig[]): readonly { readonly name: string; readonly guise: Guise }[] {
  const all = hubs.flatMap(({ classes = {} }) =>
    Object.entries(classes).map(([name, { match }]) => ({ name, guise: guiseFor(name, match) })),
  );
  return uniqueBy(all, ({ name, guise }) => JSON.stringify([name, guise]));
}

function kindsOf(group: string, rate: number, groups: number, { subscribers, slow }: CrowdOptions): Kind[] {
  return [
    {
      id: `${group}/healthy`,
      group,
      name: "healthy",
      subscribers: Math.max(1, Math.round(subscribers / groups)),
    },
    ...slow.map((percent): Kind => {
      const readsPerSecond = (rate * percent) / 100;
      return { id: `${group}/slow ${percent} %`, group, name: "slow", subscribers: 1, readsPerSecond };
    }),
    { id: `${group}/frozen`, group, name: "frozen", subscribers: 1 },
    { id: `${group}/returning`, group, name: "returning", subscribers: 1 },
  ];
}

function unique<T>(items: readonly T[]): readonly T[] {
  return [...new Set(items)];
}

/** The first of those that have the same key. */
function uniqueBy<T>(items: readonly T[], keyOf: (item: T) => string): readonly T[] {
  const found = new Map<string, T>();
  for (const item of items) if (!found.has(keyOf(item))) found.set(keyOf(item), item);
  return [...found.values()];
}
