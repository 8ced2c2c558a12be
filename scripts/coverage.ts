// SPDX-License-Identifier: Apache-2.0
// `npm run coverage`: builds the core without optimisation, puts counters into it, runs the tests
// that drive a core under V8 with that file in place of the shipped one (CORE_WASM), and prints what
// share of functions and branches they reached and what they didn't, by name and line.
// The same goes to build/coverage.txt. Ends with code 1 only when a test failed. `-- host`: coverage-host.ts.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { instrument, type Point } from "../test/coverage/instrument.ts";
import { mergeWords, percent, report } from "../test/coverage/report.ts";
import { compile } from "./build.ts";
import { coverHost } from "./coverage-host.ts";
import { BUILD_DIR, ROOT, run } from "./run.ts";

const PROJECTS = ["unit", "vectors", "transcripts", "sim"];
const INSTRUMENTED = join(BUILD_DIR, "core.coverage.wasm");
const TIMEOUT_MS = 60 * 60_000;

async function buildInstrumented(): Promise<Point[]> {
  const built = await compile("coverage");
  if (!built.ok) throw new Error(built.message);
  const map = readFileSync(`${built.path}.map`, "utf8");
  const { wasm, points } = instrument(readFileSync(built.path), map);
  rmSync(built.path);
  rmSync(`${built.path}.map`);
  mkdirSync(BUILD_DIR, { recursive: true });
  writeFileSync(INSTRUMENTED, wasm);
  return points;
}

/** Runs the tests; their counters come back as one array for each process. */
async function runTests(projects: readonly string[]): Promise<{ code: number; runs: number[][] }> {
  const directory = mkdtempSync(join(tmpdir(), "coverage-"));
  const hook = pathToFileURL(join(ROOT, "test/coverage/hook.ts")).href;
  const env = {
    CORE_WASM: INSTRUMENTED,
    COVERAGE_DIR: directory,
    TEST_ENGINES: "v8",
    NODE_OPTIONS: `--import ${hook}`,
  };
  const filters = projects.flatMap((name) => ["--project", name]);
  const { code } = await run("vitest", ["run", "--reporter", "dot", ...filters], {
    env,
    show: true,
    timeoutMs: TIMEOUT_MS,
  });
  const files = readdirSync(directory).map((name) => readFileSync(join(directory, name), "utf8"));
  rmSync(directory, { recursive: true });
  return { code, runs: files.map((text) => JSON.parse(text) as number[]) };
}

async function coverCore(projects: readonly string[]): Promise<number> {
  const points = await buildInstrumented();
  const { code, runs } = await runTests(projects.length > 0 ? projects : PROJECTS);
  const { functions, branches, lines } = report(points, mergeWords(runs));
  const text = [
    ...(lines.length > 0 ? ["not covered:", ...lines.map((line) => `  ${line}`)] : []),
    `functions ${percent(functions)}`,
    `branches ${percent(branches)}`,
  ].join("\n");
  writeFileSync(join(BUILD_DIR, "coverage.txt"), `${text}\n`);
  console.log(text);
  return code;
}

const named = process.argv.slice(2);
process.exitCode = await (named[0] === "host" ? coverHost() : coverCore(named));
