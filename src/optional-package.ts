import { SpillwayError } from "./errors.ts";

/**
 * Imports a package that only those install who use what needs it.
 *
 * @param purpose - what needs it: the beginning of a sentence
 * @throws SpillwayError `PACKAGE_MISSING`, saying what to install
 */
export async function importOptional<T>(name: string, purpose: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // The package may be there, and what it needs itself may not: that is another story.
    if (code !== "ERR_MODULE_NOT_FOUND" || !message.includes(`'${name}'`)) throw error;
    throw new SpillwayError("PACKAGE_MISSING", `${purpose} needs the package ${name}: npm install ${name}`, {
      cause: error,
    });
  }
}
