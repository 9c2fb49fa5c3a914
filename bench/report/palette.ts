/**
 * One look per system, the same in every plot: colour, dash and mark, so that it can be told without seeing colours.
 * Ours is the darkest and thickest; what is not gRPC at all is dashed. After the palettes of Okabe and Ito, and of Tol.
 *
 * @module
 */
import type { SlowKind } from "../results.ts";

export interface Look {
  readonly colour: string;
  readonly dash: "solid" | "dashed" | "dotted";
  readonly mark: "circle" | "rect" | "triangle" | "diamond" | "roundRect" | "emptyCircle" | "emptyTriangle";
  readonly width: number;
}

const KNOWN: Readonly<Record<string, Look>> = {
  spillway: { colour: "#0072B2", dash: "solid", mark: "circle", width: 3.5 },
  "sequential-await": { colour: "#D55E00", dash: "solid", mark: "rect", width: 2 },
  "drain-all": { colour: "#CC79A7", dash: "solid", mark: "diamond", width: 2 },
  "fire-and-forget": { colour: "#E69F00", dash: "solid", mark: "triangle", width: 2 },
  unbounded: { colour: "#009E73", dash: "solid", mark: "roundRect", width: 2 },
  bounded: { colour: "#7A8B00", dash: "solid", mark: "emptyTriangle", width: 2 },
  "event-emitter": { colour: "#882255", dash: "solid", mark: "emptyCircle", width: 2 },
  http2: { colour: "#56B4E9", dash: "dashed", mark: "rect", width: 2 },
  net: { colour: "#6F6F6F", dash: "dashed", mark: "diamond", width: 2 },
  ws: { colour: "#AA4499", dash: "dashed", mark: "triangle", width: 2 },
  "grpc-go": { colour: "#332288", dash: "dashed", mark: "roundRect", width: 2 },
  nats: { colour: "#117733", dash: "dashed", mark: "circle", width: 2 },
  redis: { colour: "#B03A2E", dash: "dashed", mark: "emptyTriangle", width: 2 },
};

/** For systems that others put beside ours, by their place among the unknown ones. */
const SPARE: readonly Look[] = [
  { colour: "#8A6D00", dash: "dotted", mark: "rect", width: 2 },
  { colour: "#5B4A9B", dash: "dotted", mark: "triangle", width: 2 },
  { colour: "#1B7F79", dash: "dotted", mark: "diamond", width: 2 },
  { colour: "#A0522D", dash: "dotted", mark: "roundRect", width: 2 },
];

/** Variants of one system keep its colour, and differ in dash and mark. */
const VARIANTS: readonly Pick<Look, "dash" | "mark">[] = [
  { dash: "solid", mark: "circle" },
  { dash: "dashed", mark: "triangle" },
  { dash: "dotted", mark: "rect" },
  { dash: "dashed", mark: "diamond" },
  { dash: "dotted", mark: "emptyCircle" },
  { dash: "solid", mark: "roundRect" },
];

/** @param systems - names of all, in the order of the results @param variant - which one of its variants; 0: the first */
export function lookOf(system: string, systems: readonly string[], variant = 0): Look {
  const unknown = systems.filter((name) => KNOWN[name] === undefined);
  const look = KNOWN[system] ?? SPARE[Math.max(0, unknown.indexOf(system)) % SPARE.length]!;
  if (variant === 0) return look;
  return { ...look, width: Math.max(2, look.width - 1), ...VARIANTS[variant % VARIANTS.length]! };
}

/** Kinds of slow clients, where all lines are of one system. */
const KINDS: Readonly<Record<SlowKind, Look>> = {
  sigstop: { colour: "#CC6677", dash: "solid", mark: "circle", width: 2 },
  "window-0": { colour: "#332288", dash: "solid", mark: "rect", width: 2 },
  paused: { colour: "#117733", dash: "solid", mark: "triangle", width: 2 },
  delayed: { colour: "#999933", dash: "solid", mark: "diamond", width: 2 },
  reconnecting: { colour: "#882255", dash: "dashed", mark: "emptyCircle", width: 2 },
  draining: { colour: "#6F6F6F", dash: "dashed", mark: "roundRect", width: 2 },
  "draining-reconnecting": { colour: "#6F6F6F", dash: "dotted", mark: "rect", width: 2 },
};

export function lookOfKind(kind: SlowKind): Look {
  return KINDS[kind] ?? SPARE[0]!;
}
