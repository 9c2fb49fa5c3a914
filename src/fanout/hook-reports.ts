import * as diagnostics from "../diagnostics.ts";
import type { ResolvedHubOptions } from "./options.ts";

/** How often one hook is warned of when the application has no `onError`, in milliseconds. */
const WARNING_INTERVAL_MS = 10_000;

/**
 * Where errors of the application's hooks end up: contained, counted, and told outside of `publish()`, so that a
 * hook that fails cannot run more of the application's code in the middle of a fan-out.
 */
export class HookReports {
  readonly #options: ResolvedHubOptions;
  readonly #warnedAt = new Map<string, number>();

  constructor(options: ResolvedHubOptions) {
    this.#options = options;
  }

  add(hook: string, error: unknown): void {
    if (diagnostics.hookError.hasSubscribers) diagnostics.hookError.publish({ hook, error });
    if (this.#options.onError === undefined) this.#warn(hook, error);
    else this.#options.clock.soon(() => this.#tell(hook, error));
  }

  #tell(hook: string, error: unknown): void {
    try {
      this.#options.onError?.(error, hook);
    } catch (failure) {
      // The hook for errors failed itself: the one place left to say so is the process.
      this.#warn("onError", failure);
    }
  }

  #warn(hook: string, error: unknown): void {
    const now = this.#options.clock.now();
    const before = this.#warnedAt.get(hook);
    if (before !== undefined && now - before < WARNING_INTERVAL_MS) return;
    this.#warnedAt.set(hook, now);
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.emitWarning(`the hook "${hook}" failed and was contained: ${text}`, { code: "SPILLWAY_HOOK" });
  }
}
