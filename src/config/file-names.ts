import type { z } from "zod";
import { codeName, kindOf } from "./kinds.ts";
import type { Path } from "./said.ts";
import { configSchema } from "./schema/index.ts";

/** An option, as the file calls it. */
export interface NamedInFile {
  readonly path: Path;
  /** `undefined`: the path leads to no option. */
  readonly schema: z.ZodType | undefined;
}

/** The option that code calls so. */
export function namedInFile(codePath: readonly string[]): NamedInFile {
  let schema: z.ZodType | undefined = configSchema;
  const path = codePath.map((key) => {
    const kind = schema && kindOf(schema);
    if (kind?.is === "list") {
      schema = kind.item;
      return Number(key);
    }
    const [name, part] =
      kind?.is === "section"
        ? (Object.entries(kind.shape).find(([file, option]) => codeName(file, option) === key) ?? [
            key,
            undefined,
          ])
        : [key, kind?.is === "map" ? kind.value : undefined];
    schema = part;
    return name;
  });
  return { path, schema };
}
