// SPDX-License-Identifier: Apache-2.0
// Tests 8 and 10 of the rules, and what else the control plane does on the simulated network: devices, a
// Commander, and a Connector that admits whom the Commander has published. `npm run sim -- --scenario
// activation-cut` and `config-cut` go through every byte; here it is every n-th.

import { describe, expect, it } from "vitest";
import { atSite } from "./control/site.ts";
import { keeps, keepsEvery } from "./keeps.ts";
import { QUIET } from "./scenario.ts";

describe("test 8: activation, restore, recovery-key takeover", () => {
  keeps("activation-answer");
  keepsEvery("activation-cut", 97);
  keeps("activation-crash");
  keeps("activation-twice", 30);
  keeps("activation-expired");
  keeps("activation-lost", 30);
  keeps("restore", 8);
  keeps("takeover", 8);
});

describe("test 10: a Connector that withholds configuration", () => {
  keeps("withhold", 5);
  keeps("revoke", 20);
});

describe("versions", () => {
  keepsEvery("config-cut", 13);
  keeps("config-crash");
  keeps("roll-out", 60);
});

describe("keys", () => {
  keeps("rotate", 20);
  keeps("rotate-crash");
  keeps("replace", 15);
});

describe("a link that takes another's place", () => {
  it("is reached over the hop that is there", () => {
    atSite(QUIET, "places", (site) => {
      for (const name of ["a", "b", "c", "d"]) site.activated(name);
      const isCommanders = ({ member }: { member: string }): boolean => member === "commander";
      expect(site.connections.filter(isCommanders)).toHaveLength(1);
    });
  });
});

/** A byte of the first Connector's key in what is stored (10.3). */
const IN_CONNECTORS = 130;

describe("the checks of every run", () => {
  it("notice a second key for one code", () => {
    atSite(QUIET, "notices", (site) => {
      const codeId = new Uint8Array(8);
      site.codeAnswered(codeId, new Uint8Array(32).fill(1));
      site.codeAnswered(codeId, new Uint8Array(32).fill(1));
      expect(() => site.codeAnswered(codeId, new Uint8Array(32).fill(2))).toThrow("two keys");
    });
  });

  it("notice a configuration in force that flash does not hold", () => {
    atSite(QUIET, "notices", (site) => {
      const device = site.activated("a");
      device.flash = device.flash.map((byte, at) => (at === IN_CONNECTORS ? byte ^ 1 : byte));
      device.wake();
      expect(() => site.run(1000)).toThrow("not what flash holds");
    });
  });

  it("notice an older version", () => {
    atSite(QUIET, "notices", (site) => {
      const device = site.activated("a");
      const older = device.flash;
      site.commander.deploy();
      site.settle(device);
      device.crash();
      device.flash = older;
      device.start();
      expect(() => site.run(1000)).toThrow("an older version");
    });
  });

  it("notice a configuration that nobody has issued", () => {
    atSite(QUIET, "notices", (site) => {
      const stored = site.activated("a").stored;
      if (stored === null) throw new Error("nothing is stored");
      expect(() => site.checkIssued("a", { ...stored, serial: 99n })).toThrow("nobody has issued");
    });
  });

  it("notice a byte to who may not have it", () => {
    atSite(QUIET, "notices", (site) => {
      const { a, b, pair } = site.pair();
      site.traffic(pair, a, b);
      site.silence("b");
      expect(() => site.run(1000)).toThrow("got a byte of");
    });
  });
});
