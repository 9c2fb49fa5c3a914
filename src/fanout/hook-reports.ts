import * as diagnostics from "../diagnostics.ts";
import type { ResolvedHubOptions } from "./options.ts";

/** How often one hook is warned of when the application has no `onError`, in milliseconds. */
const WARNING_INTERVAL_MS = 10_000;

/**
 * Where errors of the application's hooks end up: contained, and told to `onError` outside of `publish()`, so that a hook
 * that fails cannot run more of the application's code in the middle of a fan-out.
 */
export class HookReports {
  readonly #options: ResolvedHubOptions;
  readonly #warnedAt = new Map<string, number>();

  constructor(options: ResolvedHubOptions) {
    this.#options = options;
  }

  add(hook: string, error: unknown): void {
    if (diagnostics.hookError.hasSubscribers) {
      diagnostics.hookError.publish({ epoch: this.#options.epoch, hook, error });
    }
    if (this.#options.onError === undefined) this.#warn(hook, error);
    else this.#options.clock.soon(() => this.#tell(hook, error));
  }

  #tell(hook: string, error: unknown): void {
    // The hook for errors can fail itself: the one place left to say so is the process.
    contain(
      () => this.#options.onError?.(error, hook),
      (failure) => this.#warn("onError", failure),
    );
  }

  #warn(hook: string, error: unknown): void {
    const now = this.#options.clock.now();
    const before = this.#warnedAt.get(hook);
    if (before !== undefined && now - before < WARNING_INTERVAL_MS) return;
    this.#warnedAt.set(hook, now);
    process.emitWarning(`the hook "${hook}" failed and was contained: ${describe(error)}`, {
      code: "SPILLWAY_HOOK",
    });
  }
}

/** Runs code of the application. `failed` is told what it throws, or what the promise that it returns rejects with. */
export function contain(run: () => unknown, failed: (error: unknown) => void): void {
  try {
    const result = run();
    if (isPromise(result)) result.then(undefined, failed);
  } catch (error) {
    failed(error);
  }
}

/** Something that an async function returned, whatever the types had asked it for. */
export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === "function";
}

/** Whatever was thrown, as text: anything can be, and some of it cannot even be printed. */
function describe(error: unknown): string {
  try {
    return error instanceof Error ? `${error.stack ?? error.message}` : String(error);
  } catch {
    return `a thrown ${typeof error} that cannot be shown`;
  }
}
