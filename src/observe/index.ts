/**
 * SHOW: what a hub does, for those who run it. It reads and listens, and never steers.
 *
 * @module
 */
export { type LogEventsOptions, type Logger, logEvents } from "./logs.ts";
