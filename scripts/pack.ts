// SPDX-License-Identifier: Apache-2.0
// `npm pack` calls this first (prepack): makes dist/, the host's TypeScript as JavaScript with the
// declarations of its core, because Node strips no types inside node_modules. Before it: build.ts, which
// made the core. After it: npm, which packs what `files` in package.json names. Quiet: `npm pack --json`
// prints JSON alone. The same sources give the same bytes.

import { globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT, run } from "./run.ts";

const DIST = join(ROOT, "dist");

rmSync(DIST, { recursive: true, force: true });
const { code, output } = await run("tsc", ["--project", "scripts/tsconfig.package.json"]);
// tsc turns `.ts` of an import into `.js` in what runs, and leaves declarations as they were.
for (const path of globSync("**/*.d.ts", { cwd: DIST })) {
  const text = readFileSync(join(DIST, path), "utf8");
  writeFileSync(join(DIST, path), text.replaceAll(/(["'])(\.[^"'\n]*)\.ts\1/g, "$1$2.js$1"));
}
if (code !== 0) console.error(output);
process.exitCode = code;
