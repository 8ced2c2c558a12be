// SPDX-License-Identifier: Apache-2.0
// A Commander that changes its key (INSTALL): the STLink stores it, goes over to the new one while a
// connection runs, comes up with it, and takes no older epoch. The Commander and the Connector are those of
// the simulation, on a real port; recovery itself takes minutes and is the simulation's. PROTOCOL 10.5.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { decodeStored } from "../reference/configuration.ts";
import { COMMANDER } from "../sim/control/register.ts";
import { type CommandedMember, endCommanded, talkingSite } from "./commanded-tools.ts";
import { endServices } from "./sealed-site.ts";
import { endAll } from "./sealed-tools.ts";

afterEach(async () => {
  await endCommanded();
  await endAll();
  endServices();
});

function pinnedEpoch({ folder }: CommandedMember): number {
  const stored = readFileSync(join(folder, "configuration"));
  return decodeStored(new Uint8Array(stored)).pinnedEpoch;
}

it("a Commander's new key is stored, and in use from then on; no connection notices", async () => {
  const { bridge, office, camera, talk } = await talkingSite("install");
  const { site } = bridge;
  const { commander } = site;
  const keys = site.keyPair("current'");
  const recovery = site.recovery.key;
  const install = { type: "INSTALL" as const, current: keys.key, recovery, epoch: 2 };
  for (const { name } of [office, camera]) commander.tell(commander.row(name), install);
  await bridge.until(() => [office, camera].every((one) => pinnedEpoch(one) === 2), "stored");

  site.register.moveCommander(keys.key);
  site.connector.purge(COMMANDER);
  const { connectorAddress } = commander.authority;
  const next = site.replaceCommander(keys, recovery, {
    ...structuredClone(commander.db),
    epoch: 2,
  });
  next.authority.connectorAddress = connectorAddress;
  await Promise.all([office.confirmed(), camera.confirmed()]);
  expect(office.status().commander).toMatchObject({ byRecoveryKey: false, lastError: null });
  expect(office.status().commander?.version).toMatch(/^2\./);
  expect(await talk.says("after")).toBe(true);

  // The same epoch again, from whoever holds the key, is refused for ever: after a restart too.
  await office.stop();
  office.start();
  await bridge.until(() => office.status().commander?.session === "up", "back again");
  const heard = next.got.length;
  await bridge.until(() => next.got.slice(heard).includes("office STATE"), "asked");
  const reported = next.lastReport("office");
  next.tell(next.row("office"), { ...install, current: site.keyPair("thief").key });
  await bridge.until(() => next.lastReport("office") !== reported, "a REPORT");
  expect(office.told("OldConfig")).toHaveLength(1);
  expect(pinnedEpoch(office)).toBe(2);
});
