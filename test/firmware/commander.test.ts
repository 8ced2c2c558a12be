// SPDX-License-Identifier: Apache-2.0
// What a Commander's word does on the device itself: the lease, new keys of the Commander by INSTALL, the
// device's own by rotation, revocation, the power cut at each write of them, and what the device reports of
// its faults. The rules are the core's (test/sim/scenarios/trust.ts); here it is what the firmware stores,
// cuts and says. PROTOCOL 10; rules T3, T8 to T11.

import type { Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { endAll } from "../e2e/sealed-tools.ts";
import { closeAll, startServer, turnOver } from "../e2e/services.ts";
import { CommandedSite, type Settings } from "./commanded-site.ts";

/** Reasons of 13.2, and statuses of 13.1. */
const LEASE_EXPIRED = 15;

const sites: CommandedSite[] = [];

afterEach(async () => {
  await Promise.all(sites.splice(0).map((site) => site.close()));
  await closeAll();
  await endAll();
});

/** An activated device, whose Mapping turns bytes over. */
async function served(seed: string, settings: Settings = {}) {
  const sockets: Socket[] = [];
  const port = await startServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    turnOver(socket);
  });
  const { made, device } = await CommandedSite.activated(seed, port, settings);
  sites.push(made);
  return { site: made, device, sockets };
}

const PAGE = Buffer.from("a page");
const TURNED = new Uint8Array(PAGE.map((byte) => byte ^ 0xff));

/** A new call brings a page, and there and back. */
async function expectServed(site: CommandedSite): Promise<void> {
  const call = await site.call();
  expect(await call.ask(PAGE)).toEqual(TURNED);
}

describe("the lease", () => {
  test("that ends cuts the neighbours' connections; the Commander's word brings them back", async () => {
    const { site, device, sockets } = await served("lease", { leaseSeconds: 6 });
    const call = await site.call();
    expect(await call.ask(PAGE)).toEqual(TURNED);
    await device.hear(/the Commander was not heard for half of the lease, which ends in \d+ s/);
    await device.hear(/the lease has expired: the Commander's stream alone goes on/);
    expect(await call.end()).toBe(LEASE_EXPIRED);
    expect(sockets.map((socket) => socket.destroyed || socket.readableEnded)).toEqual([true]);
    await device.statusWith(/the lease has expired/);
    site.commander.deploy();
    await device.hear(/the Commander was heard: the lease is whole again/);
    await expectServed(site);
  });
});
