// SPDX-License-Identifier: Apache-2.0
// The host's STLinks and Connector in the simulation, seed by seed: 200 in `npm test`. Before it:
// scenarios/host.ts. A failure names its seed and the command that replays it; `npm run sim -- --scenario
// host --seeds M` runs more of them.

import { describe, expect, it } from "vitest";
import { runSeed, scenarioNamed } from "./run.ts";
import { QUIET } from "./scenario.ts";

const SEEDS = 200;
const AT_ONCE = 40;

describe("host", () => {
  const scenario = scenarioNamed("host");
  for (let first = 1; first <= SEEDS; first += AT_ONCE) {
    it(`keeps every invariant with seeds ${first} to ${first + AT_ONCE - 1}`, async () => {
      for (let seed = first; seed < first + AT_ONCE; seed++) {
        expect(await runSeed(scenario, seed, QUIET)).toBeNull();
      }
    });
  }
});
