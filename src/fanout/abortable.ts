/**
 * What the source yields, until the signal is aborted: also while it is waited for. Then the source is closed, without
 * waiting for that, and the signal's reason is thrown.
 */
export async function* abortable<T>(
  source: AsyncIterable<T> | Iterable<T>,
  signal: AbortSignal | undefined,
): AsyncGenerator<T, void, undefined> {
  if (signal === undefined) {
    yield* source;
    return;
  }
  signal.throwIfAborted();
  const iterator =
    Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  let open = true;
  const pull = async () => {
    try {
      const result = await iterator.next();
      if (result.done === true) open = false;
      return result;
    } catch (error) {
      open = false;
      throw error;
    }
  };
  let giveUp: ((reason: unknown) => void) | undefined;
  const abort = () => giveUp?.(signal.reason);
  // A promise per wait and not one for all: a race leaves something behind on the one that loses every time.
  const next = () =>
    new Promise<IteratorResult<T, unknown>>((resolve, reject) => {
      giveUp = reject;
      pull().then(resolve, reject);
    });
  signal.addEventListener("abort", abort, { once: true });
  try {
    for (;;) {
      const result = await next();
      if (result.done === true) return;
      yield result.value;
      signal.throwIfAborted();
    }
  } finally {
    signal.removeEventListener("abort", abort);
    if (open) void close(iterator);
  }
}

/** Asks for it and does not wait: a source that hangs would hang its own return as well. */
async function close(iterator: AsyncIterator<unknown> | Iterator<unknown>): Promise<void> {
  try {
    await iterator.return?.();
  } catch {
    // Nobody is left who would want to know.
  }
}
