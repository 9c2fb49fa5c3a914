import { connect } from "spillway";

const text = new TextDecoder();
for await (const frame of connect("127.0.0.1:7070").subscribe("prices.*")) {
  if (frame.kind === "message") console.log(frame.offset, frame.topic, text.decode(frame.payload));
  if (frame.kind === "gap") console.log(`lost ${frame.count} messages, ${frame.from} to ${frame.to}`);
}
