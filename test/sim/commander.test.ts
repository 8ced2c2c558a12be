// SPDX-License-Identifier: Apache-2.0
// The real Commander, Connectors and STLinks in the simulation, seed by seed, and that the checks of every run notice a
// breach. Before it: scenarios/commander.ts, commander/. A failure names its seed and the command that replays it;
// `npm run sim -- --scenario commander --seeds M` runs more of them.

import { describe, expect, it } from "vitest";
import { type Seat, Site } from "./commander/site.ts";
import { runSeed, scenarioNamed } from "./run.ts";
import { QUIET } from "./scenario.ts";
import { PLAYS } from "./scenarios/commander.ts";

const SEEDS_EACH = 6;

describe("commander", () => {
  for (const [name, { about }] of Object.entries(PLAYS)) {
    it(`${name}: ${about} (${SEEDS_EACH})`, async () => {
      const scenario = scenarioNamed(`commander-${name}`);
      for (let seed = 1; seed <= SEEDS_EACH; seed++) {
        expect(await runSeed(scenario, seed, QUIET)).toBeNull();
      }
    });
  }
});

/** Two that are activated, on a site that is closed behind the test. */
async function withPair(act: (site: Site, a: Seat, b: Seat) => Promise<void>): Promise<void> {
  const site = new Site({ seed: "notices", context: QUIET, connectors: 1 });
  try {
    site.start();
    const [a, b] = (await site.active("a", "b")) as [Seat, Seat];
    await act(site, a, b);
  } finally {
    site.close();
  }
}

describe("the checks of every run", () => {
  it("notice a second key for one code", () =>
    withPair(async ({ ledger }) => {
      ledger.activated("00", "11", 1);
      ledger.activated("00", "11", 1);
      expect(() => ledger.activated("00", "22", 1)).toThrow("has activated 2 keys");
    }));

  it("notice a configuration in force that is not on disk", () =>
    withPair(async (site, { device }) => {
      if (device.stored === null) throw new Error("nothing is stored");
      device.stored = { ...device.stored, connectors: [] };
      await expect(site.run(1000)).rejects.toThrow("in force that is not on its disk");
    }));

  it("notice an older version, and one that nobody has issued", () =>
    withPair(async (site, { device, name }) => {
      const { stored } = device;
      if (stored === null) throw new Error("nothing is stored");
      const newer = { ...stored, serial: stored.serial + 1n };
      expect(() => site.ledger.expectIssued(name, newer)).toThrow("nobody has issued");
      device.stored = { ...stored, epoch: stored.epoch + 1 };
      await site.people.touch();
      await expect(site.run(15_000)).rejects.toThrow("takes an older version");
    }));

  it("notice an answer that a crash has lost", () =>
    withPair(async (site) => {
      const backup = await site.people.backUp();
      await site.people.touch();
      // As if the disk had forgotten what was answered since.
      await expect(site.people.loseTo(backup)).rejects.toThrow("after a crash the audit log");
    }));

  it("notice a key that a Connector admits and the database does not", () =>
    withPair(async (site, { device }) => {
      const { admission } = site.connectors[0] ?? {};
      if (admission === null || admission === undefined) throw new Error("nothing is held");
      const keys = new Set([...admission.keys, "ff".repeat(32)]);
      expect(() => site.ledger.expectAdmitted({ ...admission, keys })).toThrow("admits the key ff");
      const fewer = new Set([...admission.keys].filter((key) => key !== device.key));
      const held = { ...admission, keys: fewer };
      expect(() => site.ledger.expectAdmitted(held)).toThrow("does not admit");
    }));

  it("notice a byte that comes too late", () =>
    withPair(async (site, a, b) => {
      const pair = await site.pair(a, b);
      await site.talk(pair);
      b.device.silentFromMs = site.clock.nowMs;
      await expect(site.run(1000)).rejects.toThrow("ms too late");
    }));

  it("notice a byte that no configuration allows", () =>
    withPair(async (site, a, b) => {
      const pair = await site.pair(a, b);
      await site.talk(pair);
      pair.mappingId = "ee".repeat(16);
      await expect(site.run(1000)).rejects.toThrow("does not allow it");
    }));

  it("notice a connection that is cut without an excuse", () =>
    withPair(async (site, a, b) => {
      const pair = await site.pair(a, b);
      const talk = await site.talk(pair);
      await site.withdraw(pair, "mapping");
      talk.excuse = null;
      await expect(site.run(5000)).rejects.toThrow("was cut, though it is allowed");
    }));

  it("notice who does not settle", () =>
    withPair(async (site, a) => {
      a.device.kill();
      await expect(site.settle()).rejects.toThrow("a has no hop");
    }));
});
