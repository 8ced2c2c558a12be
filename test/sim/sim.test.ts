// SPDX-License-Identifier: Apache-2.0
// The simulation in `npm test`: 1,000 seeds of everything at once. A failure names its seed and the
// command that replays it; see run.ts. The scenarios that show one thing each: named.test.ts.

import { describe, expect, it } from "vitest";
import { runSeed, scenarioNamed } from "./run.ts";
import { QUIET } from "./scenario.ts";

const SEEDS = 1000;
const AT_ONCE = 100;

describe("mixed", () => {
  const scenario = scenarioNamed("mixed");
  for (let first = 1; first <= SEEDS; first += AT_ONCE) {
    it(`keeps every invariant with seeds ${first} to ${first + AT_ONCE - 1}`, async () => {
      for (let seed = first; seed < first + AT_ONCE; seed++) {
        expect(await runSeed(scenario, seed, QUIET)).toBeNull();
      }
    });
  }
});
