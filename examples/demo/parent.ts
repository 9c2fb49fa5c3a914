/**
 * The other end of the IPC channel, for the forked processes.
 *
 * They end when the demo ends, however that happens: the channel closes with it. What a terminal sends to all of
 * them at once, Ctrl-C or its own end, is left to the demo.
 *
 * @module
 */

/** @param onGone runs before this process ends because the demo did. */
export function listenToParent<In>(listener: (message: In) => void, onGone: () => void = () => {}): void {
  for (const signal of ["SIGINT", "SIGHUP"]) process.on(signal, () => {});
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
