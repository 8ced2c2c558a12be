// SPDX-License-Identifier: Apache-2.0
// A scenario as a test: all its cases, every n-th of them, or a number of seeds. Before it: run.ts runs
// one. After it: named.test.ts and control.test.ts. What is left out here runs by `npm run sim`.

import { expect, it } from "vitest";
import { runSeed, scenarioNamed } from "./run.ts";
import { QUIET } from "./scenario.ts";

/** Runs every case, or so many seeds from 1 on. */
export function keeps(name: string, seeds = 0): void {
  const scenario = scenarioNamed(name);
  const count = scenario.cases?.() ?? seeds;
  it(`${name}: ${scenario.about} (${count})`, async () => {
    expect(count).toBeGreaterThan(0);
    const first = scenario.cases === undefined ? 1 : 0;
    for (let seed = first; seed < first + count; seed++) {
      expect(await runSeed(scenario, seed, QUIET)).toBeNull();
    }
  });
}

/** Runs every `step`-th case of a scenario that has too many for each `npm test`. */
export function keepsEvery(name: string, step: number): void {
  const scenario = scenarioNamed(name);
  const count = scenario.cases?.() ?? 0;
  it(`${name}: ${scenario.about} (one in ${step} of ${count})`, async () => {
    expect(count).toBeGreaterThan(step);
    for (let seed = 0; seed < count; seed += step) {
      expect(await runSeed(scenario, seed, QUIET)).toBeNull();
    }
  });
}
