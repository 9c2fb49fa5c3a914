/**
 * The readings of this machine, as any subscriber of `host.>` gets them: with `conflate`, because only the newest
 * of each is of interest.
 *
 * @module
 */
import { connect } from "../../src/transport/grpc/client/index.ts";
import { kibibytes } from "./text.ts";

/**
 * @param onReading told the name and the text of each reading worth showing
 * @returns stops it
 */
export function watchMachine(
  address: string,
  onReading: (name: string, reading: string) => void,
): () => void {
  const client = connect(address);
  void follow();
  return () => client.close();

  async function follow(): Promise<void> {
    const frames = client.subscribe("host.>", { overflow: "conflate", clientName: "screen" });
    const text = new TextDecoder();
    try {
      for await (const frame of frames) {
        if (frame.kind !== "message") continue;
        const shown = SHOWN[`${frame.topic} ${frame.key}`];
        if (shown === undefined) continue;
        const { value } = JSON.parse(text.decode(frame.payload)) as { value: number };
        onReading(shown.name, shown.format(value));
      }
    } catch (error) {
      // It is a decoration: the demo itself is not about it.
      onReading("readings", String(error));
    }
  }
}

const SHOWN: Readonly<Record<string, { readonly name: string; readonly format: (value: number) => string }>> =
  {
    "host.cpu total": { name: "cpu", format: (percent) => `${percent.toFixed(0)} %` },
    "host.memory used": { name: "memory", format: (bytes) => `${(bytes / 2 ** 30).toFixed(1)} GiB` },
    "host.load 1m": { name: "load", format: (processes) => processes.toFixed(2) },
    "host.network lo.sent-rate": { name: "loopback", format: (bytes) => `${kibibytes(bytes)}/s` },
  };
