/**
 * Clients of a gRPC server in a process of their own, as cheap as clients can be: HTTP/2 streams whose bytes are counted
 * and not looked at. They are there so that the server has somebody to serve, and are never what is measured.
 *
 * @module
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("./stream-clients-program.js", import.meta.url));

export interface Calls {
  readonly path: string;
  readonly perConnection: number;
  /** The request message. */
  readonly request?: Uint8Array;
  /** When each of these streams has got so many bytes more, that is a round. */
  readonly bytesPerRound?: number;
}

/** What the process is ordered to do. */
export type Order =
  | { readonly kind: "connect"; readonly address: string; readonly connections: number }
  | { readonly kind: "call"; readonly calls: Calls };

/** What it tells. */
export type Told =
  | { readonly kind: "connected" }
  | { readonly kind: "open"; readonly path: string }
  | { readonly kind: "round"; readonly path: string };

export class StreamClients {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #waiting = new Map<string, { resolve: () => void; reject: (error: Error) => void }>();

  private constructor() {
    this.#child = fork(PROGRAM, [], { execArgv: [], serialization: "advanced" });
    this.#exited = once(this.#child, "exit");
    this.#child.on("message", (told) => this.#waiting.get(keyOf(told as Told))?.resolve());
    this.#child.on("exit", () => {
      for (const { reject } of this.#waiting.values()) reject(new Error("the clients ended early"));
    });
  }

  /** @param address - `HOST:PORT` */
  static async connect(address: string, connections: number): Promise<StreamClients> {
    const clients = new StreamClients();
    const connected = clients.#told({ kind: "connected" });
    clients.#order({ kind: "connect", address, connections });
    await connected;
    return clients;
  }

  /** Resolves when every stream has its headers. */
  async call(calls: Calls): Promise<void> {
    const open = this.#told({ kind: "open", path: calls.path });
    this.#order({ kind: "call", calls });
    await open;
  }

  /** Resolves when the round under way is over: call it before what is to be received is sent. */
  round(path: string): Promise<void> {
    return this.#told({ kind: "round", path });
  }

  async close(): Promise<void> {
    this.#waiting.clear();
    this.#child.kill();
    await this.#exited;
  }

  #order(order: Order): void {
    this.#child.send(order);
  }

  #told(told: Told): Promise<void> {
    return new Promise((resolve, reject) => this.#waiting.set(keyOf(told), { resolve, reject }));
  }
}

function keyOf(told: Told): string {
  return told.kind === "connected" ? told.kind : `${told.kind} ${told.path}`;
}
