/** What `cancel()` needs of a call. */
export interface Cancellable {
  cancel(): void;
}

/**
 * Cancels a call so that the server learns of it too.
 *
 * grpc-js starts a call a moment after it was made, and does so even if the call was cancelled meanwhile: the
 * server then has a stream that nobody reads and nobody ends. A second `cancel()` reaches the call once it has
 * started, and does nothing to one that was ended by the first.
 */
export function cancelCall(call: Cancellable): void {
  call.cancel();
  setImmediate(() => call.cancel());
}
