// SPDX-License-Identifier: Apache-2.0
// `npm test`: sets up what the tests need, then the checks and every Vitest project on every engine.
// `npm run test:core` (--core): vectors and transcripts on V8 and wasm3 in Node, and by the C++
// reader on wasm3, with npm and a C/C++ compiler alone; other teams' CI calls it. Both end with `N passed, N failed, N skipped`.
// TEST_ENGINES tells the runners of vectors and transcripts which engines to use.

import { buildCore } from "./build.ts";
import { runChecks } from "./check.ts";
import { hasCommand, setUp } from "./setup.ts";
import { type Counts, closingLine, runProjects } from "./vitest.ts";

const ALL_ENGINES = "v8,wasm3,rv32-wasm3,rv32-aot";
const CORE_ENGINES = "v8,wasm3";

const NOTHING_RAN: Counts = { passed: 0, failed: 1, skipped: 0 };

/** Vectors and transcripts on the two engines that run inside Node. */
async function testCore(): Promise<Counts> {
  process.env["TEST_ENGINES"] = CORE_ENGINES;
  const missing = ["gcc", "g++"].filter((command) => !hasCommand(command));
  if (missing.length > 0) {
    console.error(`wasm3 is compiled here, and ${missing.join(" and ")} is not installed`);
    return NOTHING_RAN;
  }
  const { ok, message } = await buildCore({ ifNeeded: true });
  console.log(message);
  return ok ? runProjects({ projects: ["vectors", "transcripts"] }) : NOTHING_RAN;
}

/** Everything. A failed check counts as one failed test. */
async function testAll(): Promise<Counts> {
  process.env["TEST_ENGINES"] ??= ALL_ENGINES;
  if (!(await setUp())) return NOTHING_RAN;
  const failedChecks = await runChecks();
  const counts = await runProjects({});
  return { ...counts, failed: counts.failed + failedChecks };
}

const ran = process.argv.includes("--core") ? await testCore() : await testAll();
const counts = ran.passed + ran.failed === 0 ? NOTHING_RAN : ran;
console.log(closingLine(counts));
process.exitCode = counts.failed === 0 ? 0 : 1;
