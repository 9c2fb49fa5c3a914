/**
 * The one place that knows how frames, requests and positions look on the wire of `spillway.v1.Fanout`, in both
 * directions: the server encodes frames and reads requests, the client the other way around.
 *
 * What a stranger sent is checked here as far as its form goes (numbers in range, known enum values); what it
 * means is the hub's business. A value that this side does not know is an error in a request, because the
 * client relies on it, and is tolerated in a response, because servers may be newer than their clients.
 *
 * @module
 */
import { type ErrorCode, quote, SpillwayError } from "../../errors.ts";
import type {
  Frame,
  GapReason,
  MessageFrame,
  OverflowPolicyName,
  Position,
  QueueBounds,
  Start,
  StartedFrame,
  StateFrame,
} from "../../protocol/index.ts";
import type {
  Uint64,
  WireEnum,
  WirePosition,
  WirePublishAck,
  WireStarted,
  WireSubscribeRequest,
  WireSubscribeResponse,
} from "./contracts.ts";

/** A subscribe request, free of wire forms. What is `undefined` is the server's default. */
export interface SubscribeTerms {
  readonly patterns: readonly string[];
  readonly start?: Start | undefined;
  readonly overflow?: OverflowPolicyName | undefined;
  readonly queue?: Partial<QueueBounds> | undefined;
  readonly filter?:
    | { readonly keys?: readonly string[]; readonly keyPrefixes?: readonly string[] }
    | undefined;
  readonly clientName?: string | undefined;
  readonly maxAgeMs?: number | undefined;
  readonly minIntervalMs?: number | undefined;
  readonly lingerMs?: number | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/** How an earlier subscription of a client ended: told by the server when it comes back, if it could not be told then. */
export interface PreviousEnd {
  /** A {@link CloseReason}. */
  readonly reason: string;
  /** Everything up to and including it had been handed to the network. */
  readonly offset: number;
  /** Messages lost in its lifetime, whether or not a gap could tell. */
  readonly lost: number;
}

/** The first frame of a stream, as a client reads it. */
export interface RemoteStartedFrame extends StartedFrame {
  /** Absent when the server does not know, or was not asked. */
  readonly previousEnd?: PreviousEnd;
}

/** A frame as it travels: the end is a status, not a message. */
type TravellingFrame = Exclude<Frame, { kind: "end" }>;

/** A frame as a client reads it. */
export type RemoteFrame = Exclude<TravellingFrame, { kind: "started" }> | RemoteStartedFrame;

export const OVERFLOW_TO_WIRE = {
  "drop-oldest": "OVERFLOW_POLICY_DROP_OLDEST",
  "drop-newest": "OVERFLOW_POLICY_DROP_NEWEST",
  conflate: "OVERFLOW_POLICY_CONFLATE",
  park: "OVERFLOW_POLICY_PARK",
  block: "OVERFLOW_POLICY_BLOCK",
  evict: "OVERFLOW_POLICY_EVICT",
} as const satisfies Record<OverflowPolicyName, string>;
const OVERFLOW_FROM_WIRE = inverse<OverflowPolicyName>(OVERFLOW_TO_WIRE);

const GAP_REASON_TO_WIRE = {
  overflow: "GAP_REASON_OVERFLOW",
  oversize: "GAP_REASON_OVERSIZE",
  expired: "GAP_REASON_EXPIRED",
  trimmed: "GAP_REASON_TRIMMED",
  "render-failed": "GAP_REASON_RENDER_FAILED",
  "filter-failed": "GAP_REASON_FILTER_FAILED",
} as const satisfies Record<GapReason, string>;
const GAP_REASON_FROM_WIRE = inverse<GapReason>(GAP_REASON_TO_WIRE);

export const STATE_TO_WIRE = {
  "catching-up": "SUBSCRIPTION_STATE_CATCHING_UP",
  live: "SUBSCRIPTION_STATE_LIVE",
  parked: "SUBSCRIPTION_STATE_PARKED",
  draining: "SUBSCRIPTION_STATE_DRAINING",
} as const satisfies Record<StateFrame["state"], string>;
const STATE_FROM_WIRE = inverse<StateFrame["state"]>(STATE_TO_WIRE);

/** Server: what one frame is on the wire. */
export function frameToWire(frame: TravellingFrame): WireSubscribeResponse {
  switch (frame.kind) {
    case "message":
      return { message: messageToWire(frame) };
    case "started":
      return { started: startedToWire(frame) };
    case "gap":
      return {
        gap: {
          topic: frame.topic,
          from: frame.from,
          to: frame.to,
          count: frame.count,
          reason: GAP_REASON_TO_WIRE[frame.reason],
        },
      };
    case "progress":
      return { progress: { position: frame.position, conflated: frame.conflated } };
    case "state":
      return {
        state: {
          state: STATE_TO_WIRE[frame.state],
          overflow: OVERFLOW_TO_WIRE[frame.overflow],
          rung: frame.rung,
        },
      };
  }
}

/** Server: the first frame, for a client that may not know how its last subscription ended. */
export function startedToWire(frame: StartedFrame, previousEnd?: PreviousEnd): WireStarted {
  return {
    subscriptionId: frame.subscriptionId,
    position: frame.position,
    overflow: OVERFLOW_TO_WIRE[frame.overflow],
    queue: frame.queue,
    ...(previousEnd === undefined ? {} : { previousEnd }),
    ...(frame.bounded.length === 0 ? {} : { bounded: frame.bounded }),
    ...(frame.maxAgeMs === undefined ? {} : { maxAgeMs: lifetimeToWire("maxAgeMs", frame.maxAgeMs) }),
    ...(frame.class === undefined ? {} : { class: frame.class }),
  };
}

function messageToWire(frame: MessageFrame): NonNullable<WireSubscribeResponse["message"]> {
  return {
    topic: frame.topic,
    offset: frame.offset,
    previousOffset: frame.previousOffset,
    key: frame.key,
    headers: frame.headers,
    publishedAtUs: Math.round(frame.publishedAtMs * 1000),
    payload: frame.payload,
    tombstone: frame.tombstone,
  };
}

/**
 * Client: the frame that a response carries; `undefined` for a kind that this version does not know.
 *
 * A gap reason or policy that it does not know reads as the most general one (`overflow`, `drop-oldest`): the
 * range and the count of a gap are right all the same.
 *
 * @throws RangeError for a number that no JavaScript number holds exactly.
 */
export function frameFromWire(response: WireSubscribeResponse): RemoteFrame | undefined {
  const { message, started, gap, progress, state } = response;
  if (message) {
    return {
      kind: "message",
      topic: message.topic ?? "",
      offset: receivedInteger(message.offset, "message.offset"),
      previousOffset: receivedInteger(message.previousOffset, "message.previous_offset"),
      key: message.key,
      headers:
        message.headers !== undefined && Object.keys(message.headers).length > 0
          ? message.headers
          : undefined,
      publishedAtMs: receivedInteger(message.publishedAtUs, "message.published_at_us") / 1000,
      payload: message.payload ?? new Uint8Array(0),
      tombstone: message.tombstone ?? false,
    };
  }
  if (gap) {
    return {
      kind: "gap",
      topic: gap.topic,
      from: receivedInteger(gap.from, "gap.from"),
      to: receivedInteger(gap.to, "gap.to"),
      count: gap.count === undefined ? undefined : receivedInteger(gap.count, "gap.count"),
      reason: GAP_REASON_FROM_WIRE.get(gap.reason) ?? "overflow",
    };
  }
  if (progress) {
    return {
      kind: "progress",
      position: receivedPosition(progress.position, "progress.position"),
      conflated: receivedInteger(progress.conflated, "progress.conflated"),
    };
  }
  if (started) return startedFromWire(started);
  const name = STATE_FROM_WIRE.get(state?.state);
  if (state === undefined || name === undefined) return undefined;
  return { kind: "state", state: name, overflow: receivedPolicy(state.overflow), rung: state.rung ?? 0 };
}

function startedFromWire(started: WireStarted): RemoteStartedFrame {
  const { previousEnd } = started;
  return {
    kind: "started",
    subscriptionId: started.subscriptionId ?? "",
    position: receivedPosition(started.position, "started.position"),
    overflow: receivedPolicy(started.overflow),
    queue: {
      messages: started.queue?.messages ?? 0,
      bytes: receivedInteger(started.queue?.bytes, "started.queue.bytes"),
    },
    bounded: started.bounded ?? [],
    maxAgeMs: receivedInteger(started.maxAgeMs, "started.max_age_ms") || undefined,
    class: started.class || undefined,
    ...(previousEnd == null
      ? {}
      : {
          previousEnd: {
            reason: previousEnd.reason ?? "",
            offset: receivedInteger(previousEnd.offset, "started.previous_end.offset"),
            lost: receivedInteger(previousEnd.lost, "started.previous_end.lost"),
          },
        }),
  };
}

export function receivedPolicy(value: WireEnum | undefined): OverflowPolicyName {
  return OVERFLOW_FROM_WIRE.get(value) ?? "drop-oldest";
}

/**
 * Client: a subscribe request as it goes out.
 *
 * @throws RangeError for a number that the contract cannot carry
 */
export function subscribeToWire(terms: SubscribeTerms): WireSubscribeRequest {
  const { start, overflow, queue, filter, maxAgeMs, minIntervalMs, lingerMs } = terms;
  return {
    patterns: terms.patterns,
    ...(start !== undefined ? startToWire(start) : {}),
    ...(overflow !== undefined ? { overflow: OVERFLOW_TO_WIRE[overflow] } : {}),
    ...(queue !== undefined ? { queue: { messages: queue.messages ?? 0, bytes: queue.bytes ?? 0 } } : {}),
    ...(filter !== undefined
      ? { filter: { keys: filter.keys ?? [], keyPrefixes: filter.keyPrefixes ?? [] } }
      : {}),
    ...(terms.clientName !== undefined ? { clientName: terms.clientName } : {}),
    ...(maxAgeMs !== undefined ? { maxAgeMs: lifetimeToWire("maxAgeMs", maxAgeMs) } : {}),
    ...(minIntervalMs !== undefined ? { minIntervalMs: wholeMs("minIntervalMs", minIntervalMs, 0) } : {}),
    ...(lingerMs !== undefined ? { lingerMs: wholeMs("lingerMs", lingerMs, 0) } : {}),
    ...(terms.labels !== undefined ? { labels: terms.labels } : {}),
  };
}

/** The largest number of 32 bits, where the contract has no more. */
const MAX_UINT32 = 2 ** 32 - 1;

function startToWire(start: Start): WireSubscribeRequest {
  if (start === "live") return {};
  if (start === "oldest") return { oldest: {} };
  if (start === "snapshot") return { snapshot: {} };
  if ("epoch" in start) return { position: start };
  if ("newest" in start) {
    const { newest } = start;
    if (Number.isInteger(newest) && newest >= 1 && newest <= MAX_UINT32) return { newest };
    throw new RangeError(`start.newest must be a whole number from 1 to ${MAX_UINT32}, got ${newest}`);
  }
  // Nothing was published before 1970, so a time before that means all.
  const sinceUs = Math.max(0, Math.round(start.sinceMs * 1000));
  if (Number.isSafeInteger(sinceUs)) return { sinceUs };
  throw new RangeError(`start.sinceMs must be a Unix time in milliseconds, got ${start.sinceMs}`);
}

/**
 * Client: how long something may live; rounded up, because the contract counts whole milliseconds, and 0 is for ever.
 *
 * @throws RangeError
 */
export function lifetimeToWire(name: string, ms: number): number {
  return ms === Number.POSITIVE_INFINITY ? 0 : wholeMs(name, ms, Number.MIN_VALUE);
}

function wholeMs(name: string, ms: number, least: number): number {
  if (ms >= least && ms <= Number.MAX_SAFE_INTEGER) return Math.ceil(ms);
  throw new RangeError(
    `${name} must be a number of milliseconds${least > 0 ? " above 0" : ", 0 or more"}, got ${ms}`,
  );
}

/**
 * Server: a time that is not asked for when it is 0.
 *
 * @throws SpillwayError
 */
export function millisecondsFromWire(
  value: Uint64 | undefined,
  field: string,
  code: ErrorCode,
): number | undefined {
  const ms = requestedInteger(value, field, code);
  return ms === 0 ? undefined : ms;
}

/**
 * Server: what a subscribe request asks for.
 *
 * @throws SpillwayError `REQUEST_INVALID` or `POSITION_INVALID`, naming the field as the contract spells it.
 */
export function subscribeFromWire(request: WireSubscribeRequest): SubscribeTerms {
  const { queue, filter } = request;
  return {
    patterns: request.patterns ?? [],
    start: requestedStart(request),
    overflow: requestedPolicy(request.overflow),
    queue: queue == null ? undefined : requestedBounds(queue.messages, queue.bytes),
    filter: filter == null ? undefined : { keys: filter.keys ?? [], keyPrefixes: filter.keyPrefixes ?? [] },
    clientName: request.clientName ? request.clientName : undefined,
    maxAgeMs: millisecondsFromWire(request.maxAgeMs, "max_age_ms", "REQUEST_INVALID"),
    minIntervalMs: millisecondsFromWire(request.minIntervalMs, "min_interval_ms", "REQUEST_INVALID"),
    lingerMs: millisecondsFromWire(request.lingerMs, "linger_ms", "REQUEST_INVALID"),
    labels:
      request.labels !== undefined && Object.keys(request.labels).length > 0 ? request.labels : undefined,
  };
}

function requestedStart(request: WireSubscribeRequest): Start | undefined {
  const { position, newest, sinceUs } = request;
  if (position != null) {
    const offset = requestedInteger(position.offset, "position.offset", "POSITION_INVALID");
    return { epoch: position.epoch ?? "", offset };
  }
  if (request.oldest != null) return "oldest";
  if (request.snapshot != null) return "snapshot";
  if (newest !== undefined) return { newest };
  if (sinceUs === undefined) return undefined;
  return { sinceMs: requestedInteger(sinceUs, "since_us", "REQUEST_INVALID") / 1000 };
}

function requestedPolicy(value: WireEnum | undefined): OverflowPolicyName | undefined {
  if (value === undefined || value === "OVERFLOW_POLICY_UNSPECIFIED" || value === 0) return undefined;
  const known = OVERFLOW_FROM_WIRE.get(value);
  if (known !== undefined) return known;
  throw new SpillwayError(
    "REQUEST_INVALID",
    `expected overflow to be one of ${Object.values(OVERFLOW_TO_WIRE).join(", ")}, or unset; got ${quote(value)}`,
    { field: "overflow" },
  );
}

function requestedBounds(
  messages: number | undefined,
  bytes: Uint64 | undefined,
): Partial<QueueBounds> | undefined {
  const size = requestedInteger(bytes, "queue.bytes", "REQUEST_INVALID");
  // 0 is how the contract spells "your default".
  return { ...(messages ? { messages } : {}), ...(size > 0 ? { bytes: size } : {}) };
}

/**
 * Client: the offsets that an acknowledgement carries.
 *
 * @throws RangeError for an offset that no JavaScript number holds exactly.
 */
export function ackFromWire(ack: WirePublishAck): {
  readonly epoch: string;
  readonly offsets: readonly number[];
} {
  return {
    epoch: ack.epoch ?? "",
    offsets: (ack.offsets ?? []).map((offset) => receivedInteger(offset, "offsets")),
  };
}

/**
 * Client: a position out of a response.
 *
 * @throws RangeError for an offset that no JavaScript number holds exactly.
 */
export function receivedPosition(position: WirePosition | null | undefined, field: string): Position {
  return { epoch: position?.epoch ?? "", offset: receivedInteger(position?.offset, `${field}.offset`) };
}

/** A 64-bit number as a safe integer; `undefined` if it is none. */
export function toSafeInteger(value: Uint64 | undefined): number | undefined {
  if (value === undefined) return 0;
  // Number("") is 0, and Number(" 1 ") is 1: only digits count here.
  const number = typeof value === "number" ? value : /^\d+$/.test(value) ? Number(value) : Number.NaN;
  return Number.isSafeInteger(number) && number >= 0 ? number : undefined;
}

function requestedInteger(value: Uint64 | undefined, field: string, code: ErrorCode): number {
  const number = toSafeInteger(value);
  if (number !== undefined) return number;
  throw new SpillwayError(
    code,
    `expected ${field} to be a whole number from 0 to ${Number.MAX_SAFE_INTEGER}, got ${quote(value)}`,
    { field },
  );
}

/**
 * Client: a 64-bit number out of a response.
 *
 * @throws RangeError for one that no JavaScript number holds exactly.
 */
export function receivedInteger(value: Uint64 | undefined, field: string): number {
  const number = toSafeInteger(value);
  if (number !== undefined) return number;
  throw new RangeError(
    `the server sent ${field} = ${quote(value)}; expected a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`,
  );
}

/** From what is on the wire to its name. */
export function inverse<Name extends string>(table: Readonly<Record<Name, string>>): Map<unknown, Name> {
  return new Map(Object.entries<string>(table).map(([name, wire]) => [wire, name as Name]));
}
