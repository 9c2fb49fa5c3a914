/**
 * One trial: fresh processes, warm-up, a quiet point, the measured time, closed books.
 *
 * The measured time begins when every healthy subscriber has everything that was published before, so that the books begin
 * at zero on both sides. A system that cannot get there within a limit has its backlog charged to it as it is.
 *
 * @module
 */
import type { SystemKind } from "../system.ts";
import { NANOS_PER_MS, nowNanos } from "./clock.ts";
import { Crew, type Member } from "./crew.ts";
import type {
  ClientReport,
  FromClient,
  FromServer,
  Measured,
  MemoryMark,
  Subscribers,
  ToClient,
  ToServer,
} from "./messages.ts";
import { outcome, type TrialOutcome } from "./outcome.ts";
import type { Pinning } from "./pinning.ts";
import type { CellPlan, Companion, TrialEvent } from "./plan.ts";
import { Schedule } from "./schedule.ts";

export type { TrialOutcome } from "./outcome.ts";

/** How long the parts of a trial may take that should take no time. */
export interface Limits {
  readonly startMs: number;
  readonly subscribeMs: number;
  /** Beyond the time that the schedule itself takes. */
  readonly publishMs: number;
  readonly answerMs: number;
  readonly stopMs: number;
}

const LIMITS: Limits = {
  startMs: 15_000,
  subscribeMs: 60_000,
  publishMs: 30_000,
  answerMs: 20_000,
  stopMs: 1_000,
};

/** From the last preparation until the first message is due. */
const LEAD_MS = 100;

export interface TrialSystem {
  readonly kind: SystemKind;
  /** Path of its module. */
  readonly module: string;
}

export interface TrialContext {
  readonly system: TrialSystem;
  readonly pinning: Pinning;
  readonly block: number;
  readonly signal?: AbortSignal;
  readonly limits?: Partial<Limits>;
}

/** @throws TrialProblem when there is nothing to report; whatever the signal was aborted with */
export async function runTrial(plan: CellPlan, context: TrialContext): Promise<TrialOutcome> {
  const crew = new Crew(context.pinning, context.signal);
  try {
    return await new Running(plan, context, crew).run();
  } finally {
    await crew.dismiss();
  }
}

type Client = Member<ToClient, FromClient>;

interface CompanionProcess {
  readonly plan: Companion;
  readonly process: Client;
  stopped: boolean;
}

class Running {
  readonly #plan: CellPlan;
  readonly #context: TrialContext;
  readonly #crew: Crew;
  readonly #limits: Limits;
  readonly #server: Member<ToServer, FromServer>;
  readonly #healthy: readonly { readonly process: Client; readonly subscribers: Subscribers }[];
  readonly #companions: readonly CompanionProcess[];
  readonly #module: string;
  readonly #events: { atMs: number; what: string }[] = [];
  /** Of the server: before anyone subscribed, with all subscribers, and when the warm-up was over. */
  readonly #marks: MemoryMark[] = [];

  constructor(plan: CellPlan, context: TrialContext, crew: Crew) {
    this.#plan = plan;
    this.#context = context;
    this.#crew = crew;
    this.#limits = { ...LIMITS, ...context.limits };
    this.#module = plan.trial.module ?? context.system.module;
    this.#server = crew.server();
    this.#healthy = shared(plan.trial.healthy, context.pinning.clientCores).map((subscribers, index) => ({
      process: crew.client(`client ${index + 1}`),
      subscribers,
    }));
    this.#companions = plan.trial.companions.map((companion) => ({
      plan: companion,
      process: crew.client(companion.name, companion.module),
      stopped: false,
    }));
  }

  async run(): Promise<TrialOutcome> {
    const address = await this.#start();
    await this.#mark();
    await this.#subscribe(address);
    await this.#mark();
    const warmUp = await this.#warmUp();
    await this.#mark();
    const measured = await this.#begin(warmUp);
    const schedule = new Schedule(measured.phases);
    const { events = [] } = this.#plan.trial;
    const timers = events.map((event) => this.#arrange(event, measured.startNanos));
    try {
      await this.#server.next("published", schedule.durationNanos / NANOS_PER_MS + this.#limits.publishMs);
    } finally {
      for (const timer of timers) clearTimeout(timer);
    }
    const [healthy, companions] = await this.#finish();
    const { measurements } = await this.#server.ask({ type: "finish" }, "measured", this.#limits.answerMs);
    await this.#crew.dismissClients();
    // Only a courtesy to those who have more to clean up than memory.
    await this.#server.ask({ type: "stop" }, "stopped", this.#limits.stopMs).catch(() => {});
    return outcome({
      plan: this.#plan,
      kind: this.#context.system.kind,
      block: this.#context.block,
      schedule,
      server: measurements,
      healthy,
      companions,
      events: this.#events,
      marks: this.#marks,
    });
  }

  async #start(): Promise<string> {
    const { settings } = this.#plan.trial;
    const start: ToServer = { type: "start", module: this.#module, settings };
    const { address, pids } = await this.#server.ask(start, "started", this.#limits.startMs);
    this.#crew.adopt(pids);
    return address;
  }

  async #subscribe(address: string): Promise<void> {
    const module = this.#module;
    const all = [
      ...this.#healthy,
      ...this.#companions.map(({ process, plan }) => ({ process, subscribers: plan.subscribers })),
    ];
    await Promise.all(
      all.map(({ process, subscribers }) =>
        process.ask(
          { type: "subscribe", module, address, subscribers },
          "subscribed",
          this.#limits.subscribeMs,
        ),
      ),
    );
    for (const companion of this.#companions) {
      if (companion.plan.subscribers.behaviour !== "sigstop") continue;
      companion.process.stop();
      companion.stopped = true;
    }
  }

  async #warmUp(): Promise<number> {
    const { warmUps } = this.#plan.trial;
    const seconds = warmUps.flatMap(({ phases }) => phases).reduce((sum, phase) => sum + phase.seconds, 0);
    const limitMs = seconds * 1_000 + this.#limits.publishMs;
    const { messages } = await this.#server.ask({ type: "warm-up", warmUps }, "warmed", limitMs);
    const { settleLimitMs = 2_000 } = this.#plan.trial;
    const settle = { type: "settle", warmUp: messages, limitMs: settleLimitMs } as const;
    await Promise.all(
      this.#healthy.map(({ process }) =>
        process.ask(settle, "settled", settleLimitMs + this.#limits.answerMs),
      ),
    );
    return messages;
  }

  /** Collects the garbage of what was before, and notes what is left. */
  async #mark(): Promise<void> {
    const { memory } = await this.#server.ask({ type: "collect" }, "collected", this.#limits.answerMs);
    this.#marks.push(memory);
  }

  async #begin(warmUp: number): Promise<Measured> {
    const { load, trial } = this.#plan;
    const measured: Measured = {
      startNanos: nowNanos() + LEAD_MS * NANOS_PER_MS,
      phases: trial.phases ?? [load],
      payloadBytes: load.payloadBytes,
      spanMs: trial.spanMs ?? 100,
      excusesDrops: trial.excusesDrops ?? false,
    };
    const { answerMs } = this.#limits;
    await Promise.all(
      this.#listening().map((process) => process.ask({ type: "begin", measured, warmUp }, "begun", answerMs)),
    );
    const loopResolutionMs = trial.loopResolutionMs ?? 10;
    await this.#server.ask({ type: "begin", measured, loopResolutionMs }, "begun", answerMs);
    return measured;
  }

  /** A stopped process would answer when it is continued, which may be never. */
  #listening(): Client[] {
    const companions = this.#companions.filter(({ stopped }) => !stopped);
    return [...this.#healthy, ...companions].map(({ process }) => process);
  }

  #arrange({ atMs, what, companion: name }: TrialEvent, startNanos: number): NodeJS.Timeout {
    const companion = this.#companions.find(({ plan }) => plan.name === name)!;
    return setTimeout(
      () => {
        companion.stopped = what === "stopped";
        if (companion.stopped) companion.process.stop();
        else companion.process.continue();
        this.#events.push({ atMs: (nowNanos() - startNanos) / NANOS_PER_MS, what });
      },
      atMs + (startNanos - nowNanos()) / NANOS_PER_MS,
    );
  }

  async #finish(): Promise<[ClientReport[], { plan: Companion; report: ClientReport }[]]> {
    const { finishLimitMs = 500 } = this.#plan.trial;
    const finish = async (process: Client, limitMs: number) => {
      const answer = await process.ask(
        { type: "finish", limitMs },
        "report",
        limitMs + this.#limits.answerMs,
      );
      return answer.report;
    };
    const companions = this.#companions.filter(({ stopped }) => !stopped);
    return Promise.all([
      Promise.all(this.#healthy.map(({ process }) => finish(process, finishLimitMs))),
      Promise.all(
        companions.map(async ({ plan, process }) => ({
          plan,
          report: await finish(process, plan.witness === true ? finishLimitMs : 0),
        })),
      ),
    ]);
  }
}

/** Spreads subscribers over so many processes, whole connections each. */
function shared(subscribers: Subscribers, processes: number): readonly Subscribers[] {
  const { count, perConnection } = subscribers;
  const connections = Math.ceil(count / perConnection);
  const used = Math.max(1, Math.min(processes, Math.ceil(connections / CONNECTIONS_PER_PROCESS)));
  return Array.from({ length: used }, (_, index) => {
    const upTo = (part: number) => Math.min(count, Math.round((connections * part) / used) * perConnection);
    const slowAmong = index === 0 ? subscribers.slowAmong : 0;
    return { ...subscribers, slowAmong, count: upTo(index + 1) - upTo(index) };
  }).filter((part) => part.count > 0);
}

/** Fewer do not keep a core busy. */
const CONNECTIONS_PER_PROCESS = 50;
