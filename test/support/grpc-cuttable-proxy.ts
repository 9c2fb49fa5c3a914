// A wire that can be cut without either end being told, as when a machine loses its power.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { TestContext } from "node:test";

export interface CuttableProxy {
  readonly address: string;
  /** From now on nothing passes, in either direction, and no connection closes. */
  cut(): void;
}

export async function cuttableProxy(t: TestContext, targetPort: number): Promise<CuttableProxy> {
  const sockets: Socket[] = [];
  const proxy = createServer((near) => {
    const far = connect(targetPort, "127.0.0.1");
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.push(from);
      from.on("error", () => {});
      from.pipe(to);
    }
  }).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    proxy.close();
    await once(proxy, "close");
  });
  return {
    address: `127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    cut() {
      for (const socket of sockets) socket.unpipe().pause();
    },
  };
}
