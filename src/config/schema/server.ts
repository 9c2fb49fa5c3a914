/** The section `server`: the data options of `serve(hub, …)`. @module */
import { falseOr, type ShapeOf, section } from "../structures.ts";
import type { ChannelConfig, FanoutConfig, LonglivedConfig, ServerConfig } from "../types.ts";
import { address, duration, oneOf, ruledText, whole } from "../values.ts";
import { PATTERN_RULE } from "./subscribers.ts";

const BATCHING = ["auto", "off"] as const;

const deliveryShape = {
  endGrace: duration(
    "How long the stream of an ended subscription may wait for its client to take the status. Then it is reset.",
  ),
  batching: oneOf(
    BATCHING,
    "`auto`: many messages leave in one write, as far as grpc-js lets them; `off`: one write per message, far dearer.",
  ),
} satisfies ShapeOf<FanoutConfig>;

const longlived = section<LonglivedConfig>(
  {
    topic: ruledText(PATTERN_RULE, "The topic, or pattern, whose messages all its clients get."),
    onDuplicate: oneOf(
      ["replace", "refuse"],
      "When a client subscribes with an id that has a live stream: the newer one takes over, or is refused.",
    ),
    ...deliveryShape,
  },
  "The service as it is configured here.",
);

const milliseconds = "In milliseconds.";

const channelOptions = section<ChannelConfig>(
  {
    "grpc.max_concurrent_streams": whole(1, "Most calls at once on one connection."),
    "grpc.max_connection_age_ms": whole(
      1,
      `How long a connection is used before its client is told to make another. ${milliseconds}`,
    ),
    "grpc.max_connection_age_grace_ms": whole(
      0,
      `How long the calls on such a connection may go on. ${milliseconds}`,
    ),
    "grpc.max_connection_idle_ms": whole(
      1,
      `How long a connection without calls stays open. ${milliseconds}`,
    ),
    "grpc.max_receive_message_length": whole(
      -1,
      "Largest message taken, in bytes; -1 is any. By itself 4 MiB.",
    ),
    "grpc.max_send_message_length": whole(
      -1,
      "Largest message sent, in bytes; -1 is any. With it messages are written one by one, as with `batching: off`.",
    ),
    "grpc-node.max_session_memory": whole(1, "Most memory of one connection's HTTP/2 session, in megabytes."),
    "grpc.enable_channelz": whole(0, "Whether grpc-js keeps its own statistics: 1 or 0.", 1),
  },
  "Limits of grpc-js, by its own names and in its own units. The rest of its options can be given in code only.",
);

export const serverSchema = section<ServerConfig>(
  {
    listen: address("Where to listen, as `HOST:PORT`; an IPv6 host in brackets, port 0 for any free one."),
    keepaliveTime: duration(
      "How often every connection is asked whether it is alive: what finds a client that died without a word.",
    ),
    keepaliveTimeout: duration("How long the answer may take before the connection is closed."),
    drainTimeout: duration("How long the queues may take to empty when the server closes."),
    ...deliveryShape,
    fanout: falseOr<FanoutConfig>(
      [
        section<FanoutConfig>(
          deliveryShape,
          "The service as it is configured here; by default as the server is.",
        ),
      ],
      "The service `spillway.v1.Fanout`, or `false` to leave it out.",
    ),
    longlived: falseOr<LonglivedConfig>(
      [longlived],
      "The service `protos.Longlived`, or `false` to leave it out.",
    ),
    channelOptions,
  },
  "The gRPC server.",
);
