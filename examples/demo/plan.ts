/**
 * The numbers of the demo, in one place.
 *
 * Below a subscriber's queue the bytes that can hide from it are bounded by HTTP/2: one stream window (64 KiB) in
 * the frozen process and the kernel, and one batch (32 KiB) in the server. With the queue's own 128 KiB that is
 * less than 230 KiB, which this load passes in a second and a quarter; the freeze lasts more than twice as long.
 *
 * @module
 */

/** The topic that everyone hears. */
export const LOAD_TOPIC = "demo.load";
export const MESSAGES_PER_SECOND = 200;
export const WARM_UP_MESSAGES_PER_SECOND = 400;
export const MESSAGE_BYTES = 1024;

/** Clients as in the blog post, with the ids 1 to 10, and one on the full contract. */
export const POST_CLIENTS = 10;
export const FROZEN_CLIENT = POST_CLIENTS + 1;
export const FROZEN_CLIENT_NAME = `client ${FROZEN_CLIENT}`;
export const FROZEN_QUEUE = { messages: 256, bytes: 128 * 1024 };
export const FROZEN_OVERFLOW = "drop-oldest";

/** For the others: ten seconds of the load, because a busy machine may keep a healthy process waiting for long. */
export const HEALTHY_QUEUE = { messages: 2048, bytes: 4 * 1024 * 1024 };

/** Sooner than the defaults, so that a freeze of some seconds is long enough for the server to call it stalled. */
export const STALLED = { stallTimeoutMs: 1_000, minBytesPerSecond: 64 * 1024 };

// How long each phase lasts.
/**
 * Nothing is measured. Twelve processes get their code compiled well, which takes more than a thousand messages
 * each: without it the time before the freeze would look worse than it is, and the time during it better.
 */
export const WARM_UP_MS = 4_000;
/** Then at the pace of the measurement: at least, and until the queues are empty. */
export const SETTLE_MS = 500;
export const SETTLE_AT_MOST_MS = 3_000;
export const BEFORE_MS = 2_800;
/** At least; it goes on until the server has dropped messages. */
export const FROZEN_MS = 3_200;
export const FROZEN_AT_MOST_MS = 7_000;
export const RECOVERY_MS = 500;

/** While every measurement was disturbed, another is made, unless the demo is older than this. */
export const AGAIN_BEFORE_MS = 21_300;

/** How long the clients may take to read what is left, once the load has stopped. */
export const LAST_MESSAGE_WITHIN_MS = 2_000;
/** The whole demo, whatever happens. */
export const DEADLINE_MS = 29_500;

/** How often the server and the clients report, and the table moves. */
export const REPORT_EVERY_MS = 500;
