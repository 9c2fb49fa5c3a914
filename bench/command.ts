/**
 * The command that measured something, as its results tell it: what decides what is measured, and nothing of the machine's
 * folders.
 *
 * @module
 */
import { basename } from "node:path";

/** Where the results go is nothing that they depend on. */
const LEFT_OUT = ["--json", "--out"];
const SHORTENED = ["--system", "--config"];

/** @param args - what came behind `npm run bench --` */
export function commandOf(args: readonly string[]): string {
  const told: string[] = [];
  const left = [...args];
  for (let arg = left.shift(); arg !== undefined; arg = left.shift()) {
    const [, name = arg, joined] = /^(--\w+)=(.*)$/s.exec(arg) ?? [];
    if (LEFT_OUT.includes(name)) {
      if (joined === undefined) left.shift();
    } else if (SHORTENED.includes(name)) told.push(name, basename(joined ?? left.shift() ?? ""));
    else told.push(arg);
  }
  return ["npm run bench", ...(told.length > 0 ? ["--", ...told] : [])].join(" ");
}
