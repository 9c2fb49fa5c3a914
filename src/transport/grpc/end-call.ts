import { type Metadata, type StatusObject, status as statusCodes } from "@grpc/grpc-js";
import type { Clock } from "../../clock.ts";
import { resetStream, streamOf } from "./internal-stream.ts";

/** What a server call needs to be ended; every call that writes a stream of responses has it. */
export interface EndableCall {
  readonly cancelled: boolean;
  end(trailers?: Metadata): void;
  emit(event: "error", status: StatusObject): boolean;
}

/**
 * Ends a call with a status, and sees to it that it is over within the grace, whatever the client does.
 *
 * - The status leaves in the next tick: ending a call inside one of its write callbacks upsets Node's streams.
 * - It waits behind what is written already. A client whose window is 0 never takes that, never sees the
 *   status, and would have everything kept for it; so after the grace the stream is reset.
 * - Nothing may be written afterwards, and no call ended twice.
 *
 * @param graceMs in milliseconds
 */
export function endCall(call: EndableCall, status: StatusObject, clock: Clock, graceMs: number): void {
  process.nextTick(() => {
    if (call.cancelled) return;
    if (status.code === statusCodes.OK) call.end(status.metadata);
    // The one way that grpc-js offers to end a stream with a status other than OK.
    else call.emit("error", status);
  });
  const stream = streamOf(call);
  // Where the stream is out of reach there is no reset; the server's keepalive is what remains then.
  if (stream === undefined || stream.destroyed) return;
  // After a pause of our own the timer may fire before the I/O that it is about: that gets its turn first.
  const cancelReset = clock.after(graceMs, () =>
    clock.soon(() => {
      if (!stream.destroyed) resetStream(stream);
    }),
  );
  stream.once("close", cancelReset);
}
