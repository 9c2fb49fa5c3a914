import { SpillwayError } from "../errors.ts";
import type { OverflowPolicyName, QueueBounds } from "../protocol/index.ts";
import { checkEscalation, checkOverflow, checkSomeBounds } from "./checks.ts";
import type { Rung } from "./escalation.ts";
import type { SubscriberSettings } from "./rules.ts";

/** What a remote caller wants to do. */
export interface AccessRequest {
  /** `admin`: to look at the subscriptions of others, or to evict one; see {@link AccessRequest.method}. */
  readonly action: "subscribe" | "publish" | "unsubscribe" | "admin";
  /** The patterns to subscribe to, or the topic to publish to. Checked for form already. Empty with `admin`. */
  readonly topics: readonly string[];
  /** With `admin`: the method called, such as `ListSubscriptions` or `Evict`. */
  readonly method?: string | undefined;
  /** What the caller calls itself; not an identity. */
  readonly clientName?: string | undefined;
  /** What the caller says of itself besides its name; not an identity either. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** The address it comes from, as the transport tells it. */
  readonly peer?: string | undefined;
  /** Text headers of the call, in lower case: where a token would be. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly overflow?: OverflowPolicyName | undefined;
  readonly queue?: Partial<QueueBounds> | undefined;
}

/** Who the caller is, and what it is granted. What is given counts before what the hub's options say. */
export interface Access {
  /** Shown with the subscription, and matched by the hub's `classes`. */
  readonly identity?: string;
  /**
   * The class of subscribers it belongs to, whether or not the hub's `classes` have options for it.
   *
   * @default the first of the hub's `classes` that matches
   */
  readonly class?: string;
  /**
   * The overflow policies it may ask for. A caller that asks for none gets the hub's default, or the first of
   * these if that one is not among them.
   *
   * @default the hub's `allowedOverflow`
   */
  readonly overflow?: readonly OverflowPolicyName[];
  /**
   * The most it may ask for; more is bounded to this.
   *
   * @default the hub's `maxQueue`
   */
  readonly queue?: Partial<QueueBounds>;
  /**
   * When loads from history sources wait in line, those with a higher priority get their turn first.
   *
   * @default the `priority` of its class
   */
  readonly priority?: number;
  /**
   * What is done about it when it is slow.
   *
   * @default the hub's `escalation`
   */
  readonly escalation?: readonly Rung[];
}

/**
 * Decides about a remote caller, before it touches anything. Refuse by throwing a `SpillwayError` with the code
 * `UNAUTHENTICATED` or `NOT_ALLOWED`; its message is sent to the caller. Any other error refuses as well, is
 * reported to `onError`, and the caller learns nothing of it. Returning nothing grants everything.
 *
 * A hook that lets everybody do what it does not know lets everybody administer, where the server offers that.
 *
 * Code in the same process that calls the hub itself is not asked.
 */
export type Authorize = (request: AccessRequest) => Access | undefined | Promise<Access | undefined>;

/** Of everybody where no hook says otherwise. */
const NO_ACCESS: Access = Object.freeze({});

/**
 * What an {@link Authorize} hook returned, if it can be put into effect. A hook that says `false` meant to refuse,
 * and a bound of 0 would let nothing through.
 *
 * @param canPark - whether anything is retained
 * @throws TypeError or RangeError, naming what was expected and what came
 */
export function checkAccess(returned: unknown, canPark: boolean): Access {
  if (returned === undefined || returned === null) return NO_ACCESS;
  if (typeof returned !== "object")
    throw new TypeError(`authorize must return an access or nothing, got ${String(returned)}`);
  const access = returned as Access;
  if (access.queue !== undefined) checkSomeBounds("access.queue", access.queue);
  for (const name of ["identity", "class"] as const) {
    if (access[name] !== undefined && typeof access[name] !== "string") {
      throw new TypeError(`access.${name} must be text, got ${String(access[name])}`);
    }
  }
  if (access.overflow !== undefined) {
    if (!Array.isArray(access.overflow))
      throw new TypeError(`access.overflow must be a list of policies, got ${String(access.overflow)}`);
    if (access.overflow.length === 0) throw new TypeError("access.overflow must name at least one policy");
    for (const name of access.overflow) checkOverflow("access.overflow", name);
  }
  if (access.priority !== undefined && !Number.isFinite(access.priority)) {
    throw new TypeError(`access.priority must be a number, got ${String(access.priority)}`);
  }
  if (access.escalation !== undefined) checkEscalation("access.escalation", access.escalation, canPark);
  return access;
}

/** The policy that a caller gets. */
export function grantOverflow(
  access: Access,
  asked: OverflowPolicyName | undefined,
  { overflow, allowedOverflow }: SubscriberSettings,
): OverflowPolicyName {
  // What the owner has made the default need not be allowed besides.
  const allowed = access.overflow ?? [...new Set([overflow, ...allowedOverflow])];
  if (asked === undefined) return allowed.includes(overflow) ? overflow : (allowed[0] ?? overflow);
  if (allowed.includes(asked)) return asked;
  throw new SpillwayError(
    "NOT_ALLOWED",
    `the overflow policy ${asked} is not granted here; ask for ${allowed.join(" or ")}, or for none`,
    { field: "overflow" },
  );
}
