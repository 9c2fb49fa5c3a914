/** Numbers and colours as text. @module */
import { styleText } from "node:util";

export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** Colours a text, or leaves it as it is. */
export type Paint = (style: Style, text: string) => string;

export const plain: Paint = (_style, text) => text;
export const coloured: Paint = (style, text) => styleText(style, text);

/** `12,345` */
export function whole(value: number): string {
  return value.toLocaleString("en-US");
}

/** `12 ms`, `0.4 ms`, `3.2 s` */
export function duration(ms: number): string {
  if (ms >= 1_000) return seconds(ms);
  return `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;
}

/** `0.0 s` */
export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

/** `96 KiB` */
export function kibibytes(bytes: number): string {
  return `${Math.round(bytes / 1024)} KiB`;
}
