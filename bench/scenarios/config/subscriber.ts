/**
 * One client: the library's own, with a connection of its own, which comes back by itself when the server ends it.
 *
 * It reads as fast as it can until the measured time begins, so that the warm-up leaves nothing behind; then at its pace.
 *
 * @module
 */
import { setTimeout as delay } from "node:timers/promises";
import { type Client, connect, type RemoteSubscription } from "../../../src/transport/grpc/client/index.ts";
import type { ConfigLoad, Stretch } from "../../config-results.ts";
import { NANOS_PER_MS, nowNanos } from "../../harness/clock.ts";
import { headersOf, KIND_LABEL } from "./guises.ts";
import type { KindWitness } from "./kind-witness.ts";
import type { ClientPlan } from "./messages.ts";
import { Pace } from "./pace.ts";

const time = { nowMs: () => performance.now(), sleep: (ms: number) => delay(ms) };

export class Subscriber {
  readonly #address: string;
  readonly #load: ConfigLoad;
  readonly #plan: ClientPlan;
  readonly #witness: KindWitness;
  readonly #take: ReturnType<KindWitness["client"]>;
  #connected: { readonly client: Client; readonly subscription: RemoteSubscription } | undefined;
  #pace: Pace | undefined;
  /** The stays away, one after the other. */
  #journey: Promise<void> | undefined;

  constructor(address: string, load: ConfigLoad, plan: ClientPlan, witness: KindWitness) {
    this.#address = address;
    this.#load = load;
    this.#plan = plan;
    this.#witness = witness;
    this.#take = witness.client();
  }

  /** Resolves when it is live. @throws what the server refuses */
  come(): Promise<void> {
    const { guise, kind, topic } = this.#plan;
    const position = this.#position;
    const client = connect(this.#address, { headers: headersOf(guise) });
    const subscription = client.subscribe(this.#load.topics[topic]!, {
      ...(guise.clientName === undefined ? {} : { clientName: guise.clientName }),
      labels: { ...guise.labels, [KIND_LABEL]: kind },
      ...(position === undefined ? {} : { start: position }),
    });
    this.#connected = { client, subscription };
    return new Promise((resolve, reject) => {
      this.#read(subscription, resolve).catch((error: Error) => {
        this.#witness.over(error.message);
        reject(error);
      });
    });
  }

  begin(startNanos: number): void {
    const { readsPerSecond, returns } = this.#plan;
    if (readsPerSecond !== undefined) this.#pace = new Pace(readsPerSecond, time);
    // What went wrong is in the witness's books.
    if (returns) this.#journey = this.#travel(startNanos).catch(() => {});
  }

  /** Is where it will be in the end. */
  async settled(): Promise<void> {
    await this.#journey;
  }

  async #read(subscription: RemoteSubscription, onStart: () => void): Promise<void> {
    let calls = 0;
    for await (const frame of subscription) {
      if (frame.kind === "started") {
        if (calls++ > 0) this.#witness.cameBack();
        onStart();
      }
      this.#take(frame);
      if (frame.kind === "message") await this.#pace?.turn();
    }
  }

  async #travel(startNanos: number): Promise<void> {
    for (const { fromMs, toMs } of this.#load.away) {
      await until(startNanos, fromMs);
      this.#leave();
      await until(startNanos, toMs);
      await this.come();
      this.#witness.cameBack();
    }
  }

  /** What was sent and not read is lost on the way; the position knows nothing of it. */
  #leave(): void {
    this.#position = this.#connected?.subscription.position;
    this.#connected?.client.close();
    this.#connected = undefined;
  }

  #position: RemoteSubscription["position"];
}

async function until(startNanos: number, ms: Stretch["fromMs"]): Promise<void> {
  await delay(Math.max(0, ms - (nowNanos() - startNanos) / NANOS_PER_MS));
}
