/** The present state of the demo, gathered from all processes, for the screen. @module */
import type { SubscriptionStats } from "../../src/fanout/index.ts";
import { FROZEN_CLIENT, FROZEN_CLIENT_NAME, POST_CLIENTS, REPORT_EVERY_MS } from "./plan.ts";
import type { Screen } from "./screen.ts";
import { droppedOf } from "./verdict.ts";
import type { Phase, Row, View } from "./view.ts";

export class Scene {
  address: string | undefined;
  readonly #machine = new Map<string, string>();
  readonly #screen: Screen;
  readonly #timer: NodeJS.Timeout;
  readonly #startedAt = performance.now();
  readonly #counts = new Map<number, number>();
  #subscriptions = new Map<string | undefined, SubscriptionStats>();
  #phase: Phase = "start";
  #phaseAt = this.#startedAt;
  #trial = 0;

  constructor(screen: Screen) {
    this.#screen = screen;
    this.#timer = setInterval(() => this.#show(), REPORT_EVERY_MS);
    this.#show();
  }

  /** @returns when, in nanoseconds of the machine's monotonic clock. */
  enter(phase: Phase): bigint {
    const now = process.hrtime.bigint();
    if (phase === "before") this.#trial++;
    this.#phase = phase;
    this.#phaseAt = performance.now();
    this.#show();
    return now;
  }

  get elapsedMs(): number {
    return performance.now() - this.#startedAt;
  }

  serverSees(subscriptions: readonly SubscriptionStats[]): void {
    this.#subscriptions = new Map(subscriptions.map((stats) => [stats.clientName, stats]));
  }

  clientCounts(id: number, received: number): void {
    this.#counts.set(id, received);
  }

  machineReads(name: string, reading: string): void {
    this.#machine.set(name, reading);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #show(): void {
    const now = performance.now();
    const rows: Row[] = [];
    for (let id = 1; id <= POST_CLIENTS; id++) rows.push(this.#row(id, "Longlived", `${id}`));
    rows.push(this.#row(FROZEN_CLIENT, "Fanout", FROZEN_CLIENT_NAME));
    const view: View = {
      elapsedMs: now - this.#startedAt,
      phase: this.#phase,
      phaseElapsedMs: now - this.#phaseAt,
      trial: this.#trial,
      address: this.address,
      machine: this.#machine,
      rows,
    };
    this.#screen.show(view);
  }

  #row(id: number, contract: string, clientName: string): Row {
    const stats = this.#subscriptions.get(clientName);
    const stopped = id === FROZEN_CLIENT && this.#phase === "frozen";
    return {
      id,
      contract,
      received: this.#counts.get(id) ?? 0,
      queued: stats?.queued ?? 0,
      queuedBytes: stats?.queuedBytes ?? 0,
      lagMs: stats?.lagMs ?? 0,
      dropped: stats === undefined ? 0 : droppedOf(stats),
      state: describeState(stats, stopped),
      troubled: stopped || stats?.delivery === "stalled",
    };
  }
}

/** What the server knows, and for the frozen one what it cannot know. */
function describeState(stats: SubscriptionStats | undefined, stopped: boolean): string {
  const seen = stats === undefined ? "connecting" : stats.delivery === "stalled" ? "stalled" : stats.state;
  return stopped ? `${seen} (SIGSTOP)` : seen;
}
