import { Hub, serve } from "spillway";

const hub = new Hub({ overflow: "drop-oldest", queue: { messages: 1024 } });
const server = await serve(hub, { listen: "127.0.0.1:7070" });
console.log(`listening on ${server.address}`);

setInterval(() => hub.publish("prices.EURUSD", (1.08 + Math.random() / 100).toFixed(4)), 100);
process.once("SIGTERM", () => server.close().then(() => process.exit()));
