/** Names and numbers that several parts of the report write. @module */
import type { MeasuredConfig } from "../../config-results.ts";

export function nameOf({ letter, file }: MeasuredConfig): string {
  return `${letter}: ${file}`;
}

/** Of what was set, and so comes out even. */
export function plain(value: number): string {
  return String(Math.round(value * 1_000) / 1_000);
}
