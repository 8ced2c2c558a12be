// SPDX-License-Identifier: Apache-2.0
// Runs Vitest in this process and counts. A file that doesn't load, or an error outside every test,
// counts as one failure: the closing line never says "0 failed" about a run that went wrong.
// Between scripts/test.ts, check.ts or coverage.ts (which projects) and vitest.config.ts (where).

import { startVitest, type TestModule } from "vitest/node";
import { ROOT } from "./run.ts";

export type Counts = { passed: number; failed: number; skipped: number };
export type RunProjects = { projects?: string[]; files?: string[] };

/** Runs the named projects of vitest.config.ts (all where none is named), filtered by path. */
export async function runProjects({ projects = [], files = [] }: RunProjects): Promise<Counts> {
  const vitest = await startVitest("test", files, {
    root: ROOT,
    run: true,
    watch: false,
    project: projects,
    passWithNoTests: true,
  });
  const counts = { passed: 0, failed: vitest.state.getUnhandledErrors().length, skipped: 0 };
  for (const module of vitest.state.getTestModules()) addModule(counts, module);
  await vitest.close();
  return counts;
}

/** What a run prints last, alone on its line. */
export function closingLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

function addModule(counts: Counts, module: TestModule): void {
  counts.failed += module.errors().length;
  for (const suite of module.children.allSuites()) counts.failed += suite.errors().length;
  for (const test of module.children.allTests()) {
    const { state } = test.result();
    // "pending" after the run: its worker died before the result came.
    counts[state === "pending" ? "failed" : state] += 1;
  }
}
