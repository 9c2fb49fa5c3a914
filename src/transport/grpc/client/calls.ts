/**
 * Calls that are made once and end: with one answer, or with several that are gathered. Never made again from here: a call
 * that failed does not say what the server did.
 *
 * @module
 */
import type { MethodDefinition, ServiceError } from "@grpc/grpc-js";
import { CLIENT_DEFAULTS } from "../../../defaults.ts";
import { SpillwayError } from "../../../errors.ts";
import { cancelCall } from "./cancel-call.ts";
import type { Connection } from "./connection.ts";
import { milliseconds } from "./options.ts";
import { toSpillwayError } from "./verdict.ts";

export interface CallOptions {
  /** Gives up when aborted, and throws its reason. The server may have done what it was asked all the same. */
  readonly signal?: AbortSignal;
  /**
   * How long to wait for the server's answer, in milliseconds.
   *
   * @default 10_000
   */
  readonly timeoutMs?: number;
}

/** Starts a call, and returns how to cancel it. */
type Start<T> = (resolve: (value: T) => void, reject: (error: unknown) => void) => () => void;

export class Calls {
  readonly #connection: Connection;
  /** How to cancel each that is under way. */
  readonly #cancels = new Set<() => void>();
  #closed = false;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * @throws SpillwayError for what the server refuses, `UNREACHABLE`, `CLOSED`; the signal's reason
   */
  async unary<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    options: CallOptions,
  ): Promise<Response> {
    const timeoutMs = timeoutOf(options);
    return await this.#run<Response>(options.signal, (resolve, reject) => {
      const call = this.#connection.unary(method, request, timeoutMs, (error, response) => {
        if (error === null) resolve(response as Response);
        else reject(error);
      });
      return () => cancelCall(call);
    });
  }

  /**
   * Everything that a server streams.
   *
   * @throws as `unary`
   */
  async gather<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    options: CallOptions,
  ): Promise<readonly Response[]> {
    const timeoutMs = timeoutOf(options);
    return await this.#run<readonly Response[]>(options.signal, (resolve, reject) => {
      const responses: Response[] = [];
      const call = this.#connection.serverStream(method, request, timeoutMs);
      call.on("data", (response: Response) => responses.push(response));
      call.on("error", reject);
      call.on("end", () => resolve(responses));
      return () => cancelCall(call);
    });
  }

  /** Ends what is under way with `CLOSED`. */
  close(): void {
    this.#closed = true;
    for (const cancel of [...this.#cancels]) cancel();
  }

  async #run<T>(signal: AbortSignal | undefined, start: Start<T>): Promise<T> {
    signal?.throwIfAborted();
    let cancel = (): void => {};
    try {
      return await new Promise<T>((resolve, reject) => {
        cancel = start(resolve, reject);
        this.#cancels.add(cancel);
        signal?.addEventListener("abort", cancel, { once: true });
      });
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason;
      if (error instanceof SpillwayError) throw error;
      if (this.#closed) throw new SpillwayError("CLOSED", "the client was closed before the answer came");
      throw toSpillwayError(error as ServiceError, this.#connection.address);
    } finally {
      this.#cancels.delete(cancel);
      signal?.removeEventListener("abort", cancel);
    }
  }
}

/** @throws RangeError */
function timeoutOf({ timeoutMs = CLIENT_DEFAULTS.callTimeoutMs }: CallOptions): number {
  return milliseconds("timeoutMs", timeoutMs);
}

/**
 * What `read` makes of an answer.
 *
 * @throws SpillwayError `ENDED` when it cannot be read
 */
export function readAnswer<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new SpillwayError("ENDED", String(cause), { cause, reason: "INTERNAL" });
  }
}
