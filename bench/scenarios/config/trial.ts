/**
 * One trial of one configuration: fresh processes, a warm-up that everybody reads to its end, the measured time, closed
 * books.
 *
 * @module
 */
import type { SpillwayConfig } from "../../../src/config/index.ts";
import type {
  ClientFigures,
  ConfigLoad,
  ConfigTrial,
  Group,
  Kind,
  KindFigures,
} from "../../config-results.ts";
import { NANOS_PER_MS, nowNanos } from "../../harness/clock.ts";
import { Crew, type Member } from "../../harness/crew.ts";
import type { Pinning } from "../../harness/pinning.ts";
import { problemsOf } from "./judge.ts";
import type { ClientPlan, FromClient, FromServer, Measured, ToClient, ToServer } from "./messages.ts";
import { isCompacted } from "./retained.ts";
import { treatmentOf } from "./treatment.ts";

const START_MS = 15_000;
const SUBSCRIBE_MS = 30_000;
const ANSWER_MS = 20_000;
/** Beyond the time that the schedule itself takes. */
const PUBLISH_MS = 30_000;
const STOP_MS = 1_000;
/** From the last preparation until the first message is due. */
const LEAD_MS = 100;
/** How long a healthy client may take for what was published last. */
const FINISH_MS = 1_000;

export interface ConfigTrialPlan {
  readonly config: SpillwayConfig;
  readonly load: ConfigLoad;
  readonly groups: readonly Group[];
  readonly kinds: readonly Kind[];
}

export interface ConfigTrialContext {
  readonly pinning: Pinning;
  readonly block: number;
  readonly signal?: AbortSignal;
}

/** @throws TrialProblem when there is nothing to report; whatever the signal was aborted with */
export async function runConfigTrial(
  plan: ConfigTrialPlan,
  context: ConfigTrialContext,
): Promise<ConfigTrial> {
  const crew = new Crew(context.pinning, context.signal);
  try {
    return await new Running(plan, context, crew).run();
  } finally {
    await crew.dismiss();
  }
}

type Client = Member<ToClient, FromClient>;

class Running {
  readonly #plan: ConfigTrialPlan;
  readonly #block: number;
  readonly #crew: Crew;
  readonly #server: Member<ToServer, FromServer>;
  /** A slow reader must not take time from those that are measured, nor stop with those that are frozen. */
  readonly #clients: readonly { readonly process: Client; readonly plans: readonly ClientPlan[] }[];
  readonly #frozen: Client;
  readonly #timers: NodeJS.Timeout[] = [];

  constructor(plan: ConfigTrialPlan, { block }: ConfigTrialContext, crew: Crew) {
    this.#plan = plan;
    this.#block = block;
    this.#crew = crew;
    this.#server = crew.server(`${import.meta.dirname}/server-process.js`);
    const client = (name: string, ...names: readonly Kind["name"][]) => ({
      process: crew.client<ToClient, FromClient>(name, `${import.meta.dirname}/client-process.js`),
      plans: this.#plansOf(names),
    });
    const frozen = client("frozen clients'", "frozen");
    this.#frozen = frozen.process;
    this.#clients = [
      client("healthy clients'", "healthy"),
      client("slow clients'", "slow", "returning"),
      frozen,
    ];
  }

  async run(): Promise<ConfigTrial> {
    const { load } = this.#plan;
    await this.#subscribe(await this.#start());
    const { perTopic } = await this.#server.ask({ type: "warm-up" }, "warmed", PUBLISH_MS);
    const startNanos = await this.#begin(perTopic);
    this.#at(startNanos, load.frozen.fromMs, () => this.#frozen.stop());
    this.#at(startNanos, load.frozen.toMs, () => this.#frozen.continue());
    try {
      await this.#server.next("published", load.seconds * 1_000 + PUBLISH_MS);
    } finally {
      for (const timer of this.#timers) clearTimeout(timer);
    }
    return this.#finish();
  }

  async #start(): Promise<string> {
    const { config, load } = this.#plan;
    const { hub = {}, server = {} } = config;
    const { address } = await this.#server.ask({ type: "start", hub, server, load }, "started", START_MS);
    return address;
  }

  async #subscribe(address: string): Promise<void> {
    const { load } = this.#plan;
    await Promise.all(
      this.#clients.map(({ process, plans }) =>
        process.ask({ type: "subscribe", address, load, plans }, "subscribed", SUBSCRIBE_MS),
      ),
    );
  }

  /** Returns when the first message is due. */
  async #begin(warmUp: number): Promise<number> {
    const measured: Measured = { startNanos: nowNanos() + LEAD_MS * NANOS_PER_MS, warmUp };
    await Promise.all(
      this.#clients.map(({ process }) => process.ask({ type: "begin", measured }, "begun", ANSWER_MS)),
    );
    await this.#server.ask({ type: "begin", startNanos: measured.startNanos }, "begun", ANSWER_MS);
    return measured.startNanos;
  }

  async #finish(): Promise<ConfigTrial> {
    const { config, load } = this.#plan;
    const [healthy, ...others] = this.#clients;
    const first = await this.#report(healthy!.process, FINISH_MS);
    const rest = await Promise.all(others.map(({ process }) => this.#report(process, 0)));
    // After all of them: nobody has read what the hub has not sent yet.
    const { measurements } = await this.#server.ask({ type: "finish" }, "measured", ANSWER_MS);
    const clients: Record<string, ClientFigures> = Object.assign({}, first, ...rest);
    const problems = problemsOf(measurements, clients, (topic) => isCompacted(config.hub ?? {}, topic));
    await this.#crew.dismissClients();
    await this.#server.ask({ type: "stop" }, "stopped", STOP_MS).catch(() => {});
    const kinds: Record<string, KindFigures> = {};
    for (const [kind, { hub, granted }] of Object.entries(measurements.kinds)) {
      const client = clients[kind];
      const treatment = treatmentOf(granted, config.hub ?? {}, load);
      if (client !== undefined) kinds[kind] = { hub, client, treatment };
    }
    return { block: this.#block, problems, server: measurements.server, kinds };
  }

  async #report(process: Client, limitMs: number): Promise<Readonly<Record<string, ClientFigures>>> {
    const { kinds } = await process.ask({ type: "finish", limitMs }, "report", limitMs + ANSWER_MS);
    return kinds;
  }

  #at(startNanos: number, ms: number, what: () => void): void {
    this.#timers.push(setTimeout(what, ms + (startNanos - nowNanos()) / NANOS_PER_MS));
  }

  #plansOf(names: readonly Kind["name"][]): readonly ClientPlan[] {
    const { kinds, groups, load } = this.#plan;
    return kinds
      .filter(({ name }) => names.includes(name))
      .map((kind) => {
        const { topic, guise } = groups.find(({ name }) => name === kind.group)!;
        return {
          kind: kind.id,
          count: kind.subscribers,
          topic: load.topics.indexOf(topic),
          guise,
          returns: kind.name === "returning",
          ...(kind.readsPerSecond === undefined ? {} : { readsPerSecond: kind.readsPerSecond }),
        };
      });
  }
}
