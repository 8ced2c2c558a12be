// SPDX-License-Identifier: Apache-2.0
// The test projects, one for each folder of test/. A folder that is empty or missing passes.
// scripts/test.ts runs them all and prints the closing line; `npx vitest run --project unit` runs one.
// Forks, not threads: an addon and a trapped engine stay in their own process.

import { defineConfig } from "vitest/config";

/** For what hangs: several times what the longest test takes, or the first build in a fresh clone. */
const TIMEOUT_MS = 5 * 60_000;

function project(name: string, timeoutMs = TIMEOUT_MS, more: string[] = []) {
  return {
    test: {
      name,
      include: [`test/${name}/**/*.test.ts`, ...more],
      testTimeout: timeoutMs,
      hookTimeout: timeoutMs,
      setupFiles: ["./test/coverage/setup.ts"],
      pool: "forks" as const,
    },
  };
}

export default defineConfig({
  test: {
    watch: false,
    passWithNoTests: true,
    maxWorkers: 2,
    projects: [
      project("unit"),
      project("engine"),
      project("vectors"),
      project("transcripts"),
      project("fuzz"),
      project("sim", 2 * TIMEOUT_MS),
      project("firmware", 2 * TIMEOUT_MS),
      project("gates", TIMEOUT_MS, ["test/coverage/**/*.test.ts"]),
      project("model"),
      project("e2e"),
    ],
  },
});
