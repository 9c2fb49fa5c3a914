/** A report as files. @module */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { contentsOf } from "./contents.ts";
import { renderHtml } from "./html.ts";
import { renderMarkdown } from "./markdown.ts";
import type { Material } from "./material.ts";
import { draw } from "./plots/index.ts";

/** Where the files are. */
export interface WrittenReport {
  readonly html: string;
  readonly markdown: string;
  readonly plots: readonly string[];
}

/**
 * Writes `report.html`, the Markdown and the plots; what is there is replaced.
 *
 * @param markdown - where the Markdown goes; its links to the plots are relative to it. @default `report.md` in the folder
 */
export async function write(
  material: Material,
  folder: string,
  markdown: string = join(folder, "report.md"),
): Promise<WrittenReport> {
  const plots = draw(material);
  const blocks = contentsOf(material, plots);
  const html = join(folder, "report.html");
  await mkdir(folder, { recursive: true });
  await mkdir(dirname(markdown), { recursive: true });
  const paths = await Promise.all(
    plots.map(async ({ name, svg }) => {
      const path = join(folder, `${name}.svg`);
      await writeFile(path, `${svg}\n`);
      return path;
    }),
  );
  await writeFile(html, renderHtml(blocks));
  await writeFile(markdown, renderMarkdown(blocks, linksFrom(markdown, folder)));
  return { html, markdown, plots: paths };
}

/** Links to plots in a folder, for a Markdown file somewhere else. */
export function linksFrom(markdown: string, folder: string): (name: string) => string {
  const way = relative(dirname(markdown), folder).split(sep).join("/");
  return (name) => `${way === "" ? "" : `${way}/`}${name}.svg`;
}
