// SPDX-License-Identifier: Apache-2.0
// `npm run coverage -- host`: runs the tests that drive the host, with V8's own counts (NODE_V8_COVERAGE)
// in the test workers and in every process that they start, and prints what share of functions and branches
// was reached and what was not, by place. The same goes to build/coverage-host.txt. A process that is killed
// takes its counts with it. Ends with code 1 only when a test failed.

import { globSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { percent } from "../test/coverage/report.ts";
import { type ScriptCounts, SourceCounts } from "../test/coverage/v8-ranges.ts";
import { BUILD_DIR, ROOT, run } from "./run.ts";

const OUT = join(BUILD_DIR, "coverage-host.txt");
const TIMEOUT_MS = 60 * 60_000;
/** Vitest's arguments, one run each: of the simulation only what drives the host's own code. */
const RUNS: readonly (readonly string[])[] = [
  ["--project", "unit", "--project", "engine", "--project", "vectors", "--project", "e2e"],
  ["--project", "sim", "host"],
];
/** Modules as Node runs them: their offsets are those of the files. */
const AS_THEY_STAND = ["--experimental.viteModuleRunner=false", "--reporter", "dot"];

function hostSources(): Map<string, SourceCounts> {
  const paths = globSync("host/**/*.ts", {
    cwd: ROOT,
    exclude: (path) => /node_modules|host\/net\/sim/.test(path),
  });
  const sources = paths.sort().map((path) => {
    return [path, new SourceCounts(path, readFileSync(join(ROOT, path), "utf8"))] as const;
  });
  return new Map(sources);
}

/** Adds the counts of one process. */
function addProcess(sources: Map<string, SourceCounts>, text: string): void {
  const { result } = JSON.parse(text) as { result: ScriptCounts[] };
  for (const script of result) {
    if (!script.url.startsWith("file:")) continue;
    const path = fileURLToPath(script.url.split("?", 1)[0] ?? "");
    if (path.startsWith(ROOT)) sources.get(path.slice(ROOT.length + 1))?.add(script);
  }
}

function textOf(sources: readonly SourceCounts[]): string {
  const loaded = sources.filter(({ isLoaded }) => isLoaded);
  const reports = loaded.map((source) => source.report());
  const sum = (what: "functions" | "branches") => ({
    covered: reports.reduce((total, report) => total + report[what].covered, 0),
    total: reports.reduce((total, report) => total + report[what].total, 0),
  });
  const strange = sources.filter(({ isLoaded }) => !isLoaded);
  return [
    "not covered:",
    ...strange.map(({ path }) => `  ${path}: never loaded`),
    ...reports.flatMap(({ lines }) => lines.map((line) => `  ${line}`)),
    `functions ${percent(sum("functions"))}`,
    `branches ${percent(sum("branches"))}`,
  ].join("\n");
}

/** Runs the tests and prints. Returns the exit code. */
export async function coverHost(): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), "coverage-"));
  const env = { NODE_V8_COVERAGE: directory, TEST_ENGINES: "v8,wasm3" };
  let worst = 0;
  for (const args of RUNS) {
    const options = { env, show: true, timeoutMs: TIMEOUT_MS };
    const { code } = await run("vitest", ["run", ...AS_THEY_STAND, ...args], options);
    worst = Math.max(worst, code);
  }
  const sources = hostSources();
  for (const name of readdirSync(directory)) {
    addProcess(sources, readFileSync(join(directory, name), "utf8"));
  }
  rmSync(directory, { recursive: true });
  const text = textOf([...sources.values()]);
  writeFileSync(OUT, `${text}\n`);
  console.log(text);
  return worst;
}
