/**
 * The other end of the IPC channel, for the forked processes.
 *
 * They end when the demo ends, however that happens: the channel closes with it. Ctrl-C in a terminal goes to
 * all of them at once, and is left to the demo.
 *
 * @module
 */

/** @param onGone runs before this process ends because the demo did. */
export function listenToParent<In>(listener: (message: In) => void, onGone: () => void = () => {}): void {
  process.on("SIGINT", () => {});
  process.on("disconnect", () => {
    onGone();
    process.exit();
  });
  process.on("message", listener);
}

export function tellParent<Out extends object>(message: Out): void {
  // A channel that closes meanwhile ends this process; there is nobody left to hear of an error.
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
}
