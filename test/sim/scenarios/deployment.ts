// SPDX-License-Identifier: Apache-2.0
// A new version that is deployed to a device: the wire cut at every byte of CONFIG and of what confirms it,
// a crash at every step, versions one after the other. Half a configuration is never in force, and no
// STLink takes an older version (T9): control/device.ts looks after each turn. PROTOCOL 10.1, 10.3.

import { Prng } from "../../../host/net/sim/prng.ts";
import type { Device } from "../control/device.ts";
import { COMMANDER } from "../control/register.ts";
import { atSite, type Site } from "../control/site.ts";
import { SimFailure } from "../failure.ts";
import { QUIET, type Scenario } from "../scenario.ts";

const DONE_MS = 120_000;

/** Bytes of the device's hop while the new version comes, each way, and its turns. */
type Extent = { up: number; down: number; turns: number };

let extent: Extent | null = null;

/** A device with a configuration, and another one to come: its peer's Routes. */
function ready(site: Site): { device: Device; deploy: () => void } {
  const { b } = site.pair();
  site.activated("c");
  return { device: b, deploy: () => site.commander.pair("c", "b") };
}

function finish(site: Site, device: Device): void {
  const more = (): string => `${device.drops} ${site.commander.got}`;
  site.finish("not confirmed", () => site.isSettled(device), DONE_MS, more);
  const count = device.stored?.routes.length;
  if (count !== 2) throw new SimFailure(`there are ${count} Routes`);
}

function measure(): Extent {
  extent ??= atSite(QUIET, "deployment", (site) => {
    const { device, deploy } = ready(site);
    const hop = site.connections.findLast(({ member }) => member === device.name);
    if (hop === undefined) throw new SimFailure("the device has no hop");
    const [up, down] = [hop.server.receivedBytes, hop.end.receivedBytes];
    const { turns } = device;
    deploy();
    finish(site, device);
    return {
      up: hop.server.receivedBytes - up,
      down: hop.end.receivedBytes - down,
      turns: device.turns - turns,
    };
  });
  return extent;
}

const configCut: Scenario = {
  name: "config-cut",
  about:
    "the wire is cut after byte n of CONFIG, or of what confirms it: never half of it in force",
  cases: () => measure().up + measure().down,
  run: (seed, context) => {
    const { down } = measure();
    atSite(context, "deployment", (site) => {
      const { device, deploy } = ready(site);
      const hop = site.connections.findLast(({ member }) => member === device.name);
      if (seed < down) hop?.end.cutAfter(seed + 1);
      else hop?.server.cutAfter(seed - down + 1);
      deploy();
      finish(site, device);
    });
  },
};

const configCrash: Scenario = {
  name: "config-crash",
  about:
    "the device crashes at step n of a deployment, or as it stores: the old one or the new one",
  cases: () => measure().turns + 2,
  run: (seed, context) => {
    const { turns } = measure();
    atSite(context, "deployment", (site) => {
      const { device, deploy } = ready(site);
      if (seed < turns) device.crashAtTurn = device.turns + seed;
      else device.storePlan = seed === turns ? "crash before" : "crash after";
      deploy();
      finish(site, device);
    });
  },
};

const rollOut: Scenario = {
  name: "roll-out",
  about: "versions one after the other while packets are lost, wires cut and devices crash",
  run: (seed, context) => {
    const prng = new Prng(`roll-out ${seed}`);
    atSite(context, `roll-out ${seed}`, (site) => {
      const { a, b } = site.pair();
      const { commander } = site;
      const badUntilMs = site.clock.nowMs + 15_000;
      const chance = prng.pick([0, 0.05, 0.3]);
      site.connector.meddle = ({ bytes, atMs }) =>
        atMs < badUntilMs && prng.chance(chance) ? [] : [{ bytes, delayMs: prng.below(3) * 40 }];
      for (let i = prng.between(2, 8); i > 0; i--) {
        site.clock.after(prng.below(15_000), () => commander.isUp && commander.deploy());
      }
      for (let i = prng.below(5); i > 0; i--) {
        site.clock.after(prng.below(15_000), () => trouble(site, prng, [a, b]));
      }
      site.run(15_000);
      site.settle(a, b);
    });
  },
};

function trouble(site: Site, prng: Prng, devices: Device[]): void {
  const kind = prng.pick(["crash", "store", "cut", "commander"]);
  const device = prng.pick(devices);
  if (kind === "crash") device.restart(prng.below(3000));
  else if (kind === "store") device.storePlan = prng.pick(["crash before", "crash after"]);
  else if (kind === "commander") site.commander.restart(prng.below(3000));
  else {
    for (const pipe of site.network.connectionsOf(prng.pick([device.name, COMMANDER]))) {
      prng.pick([pipe.client, pipe.server]).cutAfter(prng.below(900));
    }
  }
}

export const deployment: Scenario[] = [configCut, configCrash, rollOut];
