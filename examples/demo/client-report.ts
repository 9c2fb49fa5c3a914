/** What both kinds of client do beside reading: count, and hand over what they saw when asked. @module */
import type { FromClient, ToClient } from "./messages.ts";
import { listenToParent, tellParent } from "./parent.ts";
import { REPORT_EVERY_MS } from "./plan.ts";

export class ClientReport<Report> {
  readonly #report: () => Report;
  #count = 0;
  #newest = 0;
  #asked: ToClient | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(report: () => Report) {
    this.#report = report;
    listenToParent<ToClient>((message) => {
      this.#asked = message;
      this.#timer = setTimeout(() => this.#hand(), message.withinMs);
      this.#handIfComplete();
    });
    setInterval(() => this.#tell({ type: "received", count: this.#count }), REPORT_EVERY_MS);
  }

  live(): void {
    this.#tell({ type: "live" });
  }

  received(sequence: number): void {
    this.#count++;
    this.#newest = sequence;
    this.#handIfComplete();
  }

  #handIfComplete(): void {
    if (this.#asked !== undefined && this.#newest >= this.#asked.through) this.#hand();
  }

  #hand(): void {
    if (this.#asked === undefined) return;
    this.#asked = undefined;
    clearTimeout(this.#timer);
    this.#tell({ type: "received", count: this.#count });
    this.#tell({ type: "report", report: this.#report() });
  }

  #tell(message: FromClient<Report>): void {
    tellParent(message);
  }
}
