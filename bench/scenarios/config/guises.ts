/**
 * How a client must look for a class of a configuration to fit it, and how the server gets to know.
 *
 * @module
 */
import type { Authorize, ClassMatch } from "../../../src/fanout/index.ts";
import type { Guise } from "../../config-results.ts";

const ANYTHING = "bench";

/** Which kind a subscription is of, among its labels. A class does not mind labels that it does not ask for. */
export const KIND_LABEL = "spillway-bench-kind";

const IDENTITY_HEADER = "spillway-bench-identity";
const CLASS_HEADER = "spillway-bench-class";

/** @param match - `undefined`: the class has none, so that only the `authorize` hook can put anyone there */
export function guiseFor(name: string, match: ClassMatch | undefined): Guise {
  if (match === undefined) return { class: name };
  const { clientName, labels, identity } = match;
  return {
    ...(clientName === undefined ? {} : { clientName: fill(clientName) }),
    ...(labels === undefined
      ? {}
      : {
          labels: Object.fromEntries(Object.entries(labels).map(([label, value]) => [label, fill(value)])),
        }),
    ...(identity === undefined ? {} : { identity: fill(identity) }),
  };
}

/** What a client sends along, for {@link believe}. */
export function headersOf({ identity, class: name }: Guise): Readonly<Record<string, string>> {
  return {
    ...(identity === undefined ? {} : { [IDENTITY_HEADER]: encodeURIComponent(identity) }),
    ...(name === undefined ? {} : { [CLASS_HEADER]: encodeURIComponent(name) }),
  };
}

/** The benchmark's `authorize` hook: believes everybody. */
export const believe: Authorize = ({ headers = {} }) => {
  const [identity, name] = [headers[IDENTITY_HEADER], headers[CLASS_HEADER]];
  return {
    ...(identity === undefined ? {} : { identity: decodeURIComponent(identity) }),
    ...(name === undefined ? {} : { class: decodeURIComponent(name) }),
  };
};

function fill(text: string): string {
  return text.replaceAll("*", ANYTHING);
}
