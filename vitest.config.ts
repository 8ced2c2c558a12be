// SPDX-License-Identifier: Apache-2.0
// The test projects, one for each folder of test/. A folder that is empty or missing passes.
// scripts/test.ts runs them all and prints the closing line; `npx vitest run --project unit` runs one.
// Forks, not threads: an addon and a trapped engine stay in their own process.

import { defineConfig } from "vitest/config";

const MINUTE_MS = 60_000;

function project(name: string, timeoutMs = MINUTE_MS, more: string[] = []) {
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
      project("vectors", 2 * MINUTE_MS),
      project("transcripts", 2 * MINUTE_MS),
      project("fuzz", 2 * MINUTE_MS),
      project("sim", 10 * MINUTE_MS),
      project("firmware", 5 * MINUTE_MS),
      project("gates", MINUTE_MS, ["test/coverage/**/*.test.ts"]),
      project("model", 2 * MINUTE_MS),
      project("e2e", 5 * MINUTE_MS),
    ],
  },
});
