import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { after, type TestContext } from "node:test";
import type { SpillwayEvents } from "../../src/diagnostics.ts";
import * as diagnostics from "../../src/diagnostics.ts";

export type EventName = keyof SpillwayEvents;

/** Every channel that is exported. */
export const EVENT_NAMES = Object.values(diagnostics).map(({ name }) => String(name)) as EventName[];

export interface Heard<Name extends EventName = EventName> {
  readonly name: Name;
  readonly event: SpillwayEvents[Name];
}

/** What the channels told of one history, in order, until the test (or the file) is over. */
export class Ear {
  readonly all: Heard[] = [];

  constructor(epoch: string, test?: TestContext) {
    for (const name of EVENT_NAMES) {
      const listener = (event: unknown) => {
        if ((event as { readonly epoch?: string }).epoch === epoch)
          this.all.push({ name, event: event as never });
      };
      subscribe(name, listener);
      (test === undefined ? after : test.after.bind(test))(() => void unsubscribe(name, listener));
    }
  }

  /** The last parts of the names: `["started", "slow"]`. */
  get names(): string[] {
    return this.all.map(({ name }) => name.slice(name.lastIndexOf(":") + 1));
  }

  of<Name extends EventName>(name: Name): SpillwayEvents[Name][] {
    return this.all.filter((heard) => heard.name === name).map(({ event }) => event as SpillwayEvents[Name]);
  }

  /** The one event of that channel. */
  one<Name extends EventName>(name: Name): SpillwayEvents[Name] {
    const [event, ...others] = this.of(name);
    if (event === undefined || others.length > 0) throw new Error(`expected one ${name}, got ${this.names}`);
    return event;
  }
}
