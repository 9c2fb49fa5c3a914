/**
 * The benchmarks: `npm run bench`. Compare the rows of one table with one another; absolute times belong to the machine
 * and the moment.
 *
 * @module
 */
import "./micro/main.ts";
