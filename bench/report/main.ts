#!/usr/bin/env node
/**
 * Makes the report again from results that are there:
 * `npm run bench:report -- bench/results/*.json --markdown BENCHMARKS.md --out bench/results`.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { loadResults } from "./load.ts";
import { gather } from "./material.ts";
import { write } from "./write.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    markdown: { type: "string" },
    out: { type: "string", default: "bench/results" },
    mixed: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

if (values.help || positionals.length === 0) {
  console.log(`usage: report RESULTS.json… [--out FOLDER] [--markdown FILE] [--mixed]

  RESULTS.json…    one run, or several of the same code on the same machine (.json or .json.gz)
  --out FOLDER     where the HTML and the plots go (${values.out})
  --markdown FILE  where the Markdown goes (report.md in that folder)
  --mixed          put runs of different machines or code together, and say so in the report`);
  process.exit(values.help ? 0 : 2);
}
try {
  const material = gather(await Promise.all(positionals.map(loadResults)), { mixed: values.mixed });
  const written = await write(material, values.out, values.markdown);
  for (const path of [written.markdown, written.html, ...written.plots]) console.log(path);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
