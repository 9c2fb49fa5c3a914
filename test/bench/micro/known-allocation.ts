// A table whose rows allocate what everybody can count: whether the count of bytes is right.
import { bytesAllocated, ROOM_FOR_GARBAGE } from "../../../bench/micro/collector.ts";
import { keep } from "../../../bench/micro/sampling.ts";
import { bytes, type Row, type Table } from "../../../bench/micro/table.ts";

/** So many that what the collector is still tidying up from before does not count. */
const COUNT = 1_000_000;
const BUFFERS = 1_000;

function row(name: string, count: number, run: () => void): Row {
  return {
    name,
    execArgv: ROOM_FOR_GARBAGE,
    async measure() {
      return bytes({ allocatedBytes: (await bytesAllocated(run)) / count });
    },
  };
}

const kept: unknown[] = new Array(COUNT).fill(undefined);

export const table: Table = {
  module: import.meta.url,
  name: "known allocation",
  operation: "one thing",
  bytesOnly: true,
  rows: () => [
    row("nothing", COUNT, () => {
      for (let index = 0; index < COUNT; index++) keep(index);
    }),
    row("objects", COUNT, () => {
      for (let index = 0; index < COUNT; index++) kept[index] = { one: index, other: index };
    }),
    row("buffers", BUFFERS, () => {
      for (let index = 0; index < BUFFERS; index++) kept[index] = new Uint8Array(10_000);
    }),
    row("garbage that is collected", COUNT, () => globalThis.gc?.()),
  ],
};

export const tables: readonly Table[] = [table];
