import assert from "node:assert/strict";
import { createHook } from "node:async_hooks";
import { after, before } from "node:test";
import { contractFaults } from "./valve-sink.ts";

/** What a test must give back. Timers that do not hold the process count too: they still fire. */
const WATCHED = new Set([
  "Timeout",
  "TCPWRAP",
  "TCPSERVERWRAP",
  "PIPEWRAP",
  "PIPESERVERWRAP",
  "PROCESSWRAP",
  "HTTP2SESSION",
  "HTTP2STREAM",
  "TLSWRAP",
  "UDPWRAP",
]);

/** How long something may take to go away after the last test, in milliseconds. A limit, not a wait. */
const PATIENCE_MS = 5_000;

/**
 * Call it at the top of a test file: the file fails if its tests leave a timer, socket, server, HTTP/2 stream,
 * child process or listener on `process` behind, cause a `MaxListenersExceededWarning`, or see a breach of the
 * sink port in any {@link "valve-sink".ValveSink}. (An unhandled rejection fails a file without any help.)
 */
export function failOnLeaks(): void {
  const alive = new Map<number, string>();
  const warnings: string[] = [];
  let listeners = new Map<string | symbol, number>();
  const hook = createHook({
    init(id, type) {
      if (!WATCHED.has(type)) return;
      const stack = (new Error().stack ?? "").split("\n").slice(2);
      const ours = stack.filter((line) => line.includes("file:"));
      // The test runner has timers of its own; they are not made by any file of ours.
      if (type === "Timeout" && ours.length === 0) return;
      alive.set(id, `${type}\n${ours.join("\n")}`);
    },
    destroy(id) {
      alive.delete(id);
    },
  });
  const onWarning = (warning: Error) => {
    if (warning.name === "MaxListenersExceededWarning") warnings.push(warning.message);
  };

  before(() => {
    process.on("warning", onWarning);
    // Made when they are first asked for, and never closed: a test that prints leaves nothing behind.
    assert.ok(process.stdout.writable && process.stderr.writable);
    listeners = countListeners();
    hook.enable();
  });
  after(async () => {
    hook.disable();
    const lateHook = createHook({ destroy: (id) => void alive.delete(id) }).enable();
    const deadline = performance.now() + PATIENCE_MS;
    while (alive.size > 0 && performance.now() < deadline) {
      // An HTTP/2 session that is closed is gone only when its wrapper is collected, on some versions of Node.
      globalThis.gc?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    lateHook.disable();
    const grown = [...countListeners()].filter(([name, count]) => count > (listeners.get(name) ?? 0));
    process.off("warning", onWarning);
    assert.deepEqual([...alive.values()], [], "left behind after the last test");
    assert.deepEqual(grown, [], "listeners left on process");
    assert.deepEqual(warnings, [], "listeners piled up");
    assert.deepEqual(contractFaults, [], "the engine broke the contract of the sink port");
  });
}

function countListeners(): Map<string | symbol, number> {
  return new Map(process.eventNames().map((name) => [name, process.listenerCount(name)]));
}
