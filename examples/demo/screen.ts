/** Where the demo is watched: a table that moves in a terminal, one line a second anywhere else. @module */
import type { WriteStream } from "node:tty";
import { renderLine, renderLineHeader, renderTable } from "./table.ts";
import { coloured, type Paint, plain } from "./text.ts";
import type { Phase, View } from "./view.ts";

export interface Screen {
  /** How to colour what is printed here. */
  readonly paint: Paint;
  show(view: View): void;
  /** Leaves the last picture where it is; what is printed from now on comes below. */
  close(): void;
}

export async function openScreen(output: WriteStream): Promise<Screen> {
  if (!output.isTTY) return new Lines();
  const { createLogUpdate } = await import("log-update");
  const update = createLogUpdate(output);
  const paint = output.hasColors() ? coloured : plain;
  return {
    paint,
    show: (view) => update(renderTable(view, paint)),
    close: () => update.done(),
  };
}

const LINE_EVERY_MS = 1_000;

class Lines implements Screen {
  readonly paint = plain;
  #phase: Phase | undefined;
  #dueMs = 0;

  show(view: View): void {
    if (this.#phase === undefined) console.log(renderLineHeader());
    if (view.phase === this.#phase && view.elapsedMs < this.#dueMs) return;
    this.#phase = view.phase;
    this.#dueMs = view.elapsedMs + LINE_EVERY_MS - 50;
    console.log(renderLine(view));
  }

  close(): void {}
}
