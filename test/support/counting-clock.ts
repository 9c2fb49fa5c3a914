import { ManualClock } from "./manual-clock.ts";

/** A clock moved by hand that counts how often anybody asked to be woken at the end of a turn. */
export class CountingClock extends ManualClock {
  wakeUps = 0;

  override soon(run: () => void): void {
    this.wakeUps++;
    super.soon(run);
  }

  /** Wake-ups asked for while `run` ran. */
  wakeUpsIn(run: () => void): number {
    const before = this.wakeUps;
    run();
    return this.wakeUps - before;
  }
}
