/**
 * Processor time of the server per delivery in a closed loop: Spillway through other ways to send the same, measured in
 * turns in one process.
 *
 * @module
 */
import type { Material } from "../material.ts";
import type { Goal } from "./goal.ts";
import { ratioGoal, rowOf } from "./micro.ts";

/** Table and rows as the micro-benchmarks call them. */
const TABLE = "server CPU, closed loop";
const OURS = "spillway";
const BOUNDS = [
  { other: "plain grpc-js", waiting: 16, most: 0.1 },
  { other: "raw node:http2", waiting: 16, most: 1.5 },
  { other: "plain grpc-js", waiting: 1, most: 1.1 },
  { other: "raw node:http2", waiting: 1, most: 1.4 },
] as const;

export function closedLoopGoals(material: Material): Goal[] {
  return BOUNDS.map(({ other, waiting, most }) => {
    const row = (way: string) => rowOf(material, TABLE, `${way}, ${waiting} waiting`);
    const goal = `${TABLE}: ${OURS} : ${other}, ${waiting} waiting`;
    return ratioGoal(goal, TABLE, row(OURS), row(other), most);
  });
}
