// SPDX-License-Identifier: Apache-2.0
// A Commander with fifty STLinks: a Template that all of them have is changed, and all of them have it, while
// connections that are still allowed go on; a few come back to one that was killed. `npm run shows --
// commander-stlinks` has a thousand.

import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { Fleet } from "./commander-fleet.ts";
import { buildForDemo } from "./demo-tools.ts";
import { endAll } from "./sealed-tools.ts";
import { closeAll } from "./services.ts";
import { deployMuch } from "./show-commander.ts";

const STLINKS = 50;
const FEW = 12;

beforeAll(buildForDemo);
afterEach(async () => {
  await endAll();
  await closeAll();
});

describe("a Template that fifty STLinks have", () => {
  it("is changed, and all have it; no connection that is still allowed notices", async () => {
    const fleet = await Fleet.start(STLINKS, () => {});
    try {
      const { all, usesNewRoute, conversations } = await deployMuch(fleet);
      console.log(`in force at the last of ${STLINKS} after ${Math.round(all.lastMs)} ms`);
      expect(usesNewRoute).toBe(true);
      expect(conversations.noticed).toBe(0);
      expect(conversations.rounds).toBeGreaterThan(conversations.connections);
      expect(conversations.ended).toBe(conversations.withdrawn);
      expect(conversations.withdrawn).toBeGreaterThan(0);
    } finally {
      await fleet.stop();
    }
  });
});

describe("STLinks with connections", () => {
  it("come back when the Commander and its Connector were killed and started again", async () => {
    const fleet = await Fleet.start(FEW, () => {});
    try {
      const echoes = await fleet.converse(2);
      console.log(`${FEW} STLinks are back after ${(await fleet.restart()).toFixed(1)} s`);
      expect(echoes.map(({ ending, isWrong }) => ending ?? isWrong)).toEqual([false, false]);
      for (const echo of echoes) echo.stop();
    } finally {
      await fleet.stop();
    }
  });
});
