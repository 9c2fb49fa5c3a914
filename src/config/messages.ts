/** The words of what is wrong with a value: expected, got, and how to mend it. @module */
import { quote } from "../errors.ts";
import { isMap } from "./kinds.ts";

/** A value as a message shows it. */
export function show(value: unknown): string {
  if (value === undefined || value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  return isMap(value) ? "a map" : quote(value);
}

/** What more can be said of an input. */
export type Hint = (input: unknown) => string | undefined;

/** How an error of a schema reads. */
export function expecting(
  what: string,
  hint: Hint = () => undefined,
  shown: (input: unknown) => string = show,
) {
  return {
    error: ({ input }: { readonly input?: unknown }) => {
      const more = hint(input);
      return `expected ${what}, got ${shown(input)}${more === undefined ? "" : `: ${more}`}`;
    },
  };
}
