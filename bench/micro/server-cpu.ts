/**
 * Processor time of a real server per delivery, in a closed loop: a burst is sent when the one before has arrived
 * everywhere, so that every way of sending has the same work, and none rests while another is loaded. All rows are
 * measured in turns in one process, a few bursts each: what the machine does meanwhile hits all of them and is taken out,
 * and the code that they share is equally warm for all.
 *
 * In every figure is what the loop costs: for each burst, one message from the process of the clients.
 *
 * @module
 */
import { CONNECTIONS, type Deliver, type Load, type Way, withLoads } from "./closed-loop.ts";
import { median } from "./summary.ts";
import type { Budget, Level, Measurement, Row, Table } from "./table.ts";

/** For all rows of a process together. With less warm-up, what is measured is the compiler. */
const BUDGETS: Readonly<Record<Level, Budget>> = {
  headline: { warmupMs: 2_000, timeMs: 3_300 },
  full: { warmupMs: 2_000, timeMs: 2_000 },
};
/** How long it is one row's turn. Long beside the grain of the clock of processor time. */
const TURN_MS = 15;
const LEAST_TURNS = 3;

const WAYS: readonly Way[] = ["spillway", "plain grpc-js", "raw node:http2"];
const LOADS: readonly Load[] = [16, 1].flatMap((burst) => WAYS.map((way) => ({ way, burst })));

/** Measurements in the order of the loads. */
function inTurns(loads: readonly Load[], { warmupMs, timeMs }: Budget): Promise<readonly Measurement[]> {
  return withLoads(loads, async (delivers) => {
    const samples = loads.map((): number[] => []);
    const order = [...delivers.entries()];
    const round = async (): Promise<void> => {
      // To and fro: what a turn leaves behind does not always hit the same row.
      order.reverse();
      for (const [index, deliver] of order) {
        samples[index]!.push((await turn(deliver)) / (loads[index]!.burst * CONNECTIONS));
      }
    };
    const rounds = async (ms: number, least: number): Promise<void> => {
      const until = performance.now() + ms;
      for (let count = 0; count < least || performance.now() < until; count++) await round();
    };
    await rounds(warmupMs, 1);
    // What the warm-up left behind must not be collected in our time; the last threads of that take a round.
    globalThis.gc?.();
    await round();
    for (const each of samples) each.length = 0;
    await rounds(timeMs, LEAST_TURNS);
    return atEvenPace(samples).map(measurement);
  });
}

/** Processor time of one burst in nanoseconds, of those that fit into a turn. */
async function turn(deliver: Deliver): Promise<number> {
  // The garbage of the row before must not be collected in our time.
  globalThis.gc?.({ type: "minor" });
  const until = performance.now() + TURN_MS;
  const before = process.cpuUsage();
  let bursts = 0;
  do {
    await deliver();
    bursts++;
  } while (performance.now() < until);
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1e3) / bursts;
}

/**
 * The samples without what made a whole round slower or faster than the others: a machine that is busy for a while. What
 * the rows cost beside one another stays; too few of them cannot tell what was common to all.
 *
 * @param samples - of each row, one for each round
 */
export function atEvenPace(samples: readonly (readonly number[])[]): readonly (readonly number[])[] {
  if (samples.length < 3) return samples;
  const usual = samples.map(median);
  const paces = samples[0]!.map((_, round) =>
    median(samples.map((row, index) => row[round]! / usual[index]!)),
  );
  return samples.map((row) => row.map((sample, round) => sample / paces[round]!));
}

/** The median turn; the margin is that of the mean, with 95 % confidence. */
function measurement(samples: readonly number[]): Measurement {
  const mean = samples.reduce((sum, each) => sum + each, 0) / samples.length;
  const squares = samples.reduce((sum, each) => sum + (each - mean) ** 2, 0);
  const error = Math.sqrt(squares / (samples.length - 1) / samples.length);
  return { nanoseconds: median(samples), marginPercent: ((1.96 * error) / mean) * 100 };
}

const rows: readonly Row[] = LOADS.map((load) => ({
  name: `${load.way}, ${load.burst} waiting`,
  async measure(budget) {
    const [alone] = await inTurns([load], budget);
    return alone!;
  },
}));

const table: Table = {
  module: import.meta.url,
  name: "server CPU, closed loop",
  operation: `processor time of the server for one message of 128 bytes to one of ${CONNECTIONS} connections, each burst sent when the one before has arrived everywhere`,
  reference: "spillway, 16 waiting",
  rows: () => rows,
  together: (level) => inTurns(LOADS, BUDGETS[level]),
};

export const tables: readonly Table[] = [table];
