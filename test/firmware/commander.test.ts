// SPDX-License-Identifier: Apache-2.0
// What a Commander's word does on the device itself: the lease, new keys of the Commander by INSTALL, the
// device's own by rotation, revocation, the power cut at each write of them, and what the device reports of
// its faults. The rules are the core's (test/sim/scenarios/trust.ts); here it is what the firmware stores,
// cuts and says. PROTOCOL 10; rules T3, T8 to T11.

import { createHash } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { DeviceRecord } from "../../host/device/store-image.ts";
import { CORE_WASM } from "../../scripts/run.ts";
import { activated, endCommanded, Talk } from "../e2e/commanded-tools.ts";
import { freePort } from "../e2e/free-port.ts";
import { endAll } from "../e2e/sealed-tools.ts";
import { closeAll, startServer, turnOver } from "../e2e/services.ts";
import { toHex } from "../reference/bytes.ts";
import { decodeAbout } from "../reference/control.ts";
import type { About } from "../sim/control/commander.ts";
import { type Pair, versionText } from "../sim/control/database.ts";
import { COMMANDER } from "../sim/control/register.ts";
import type { KeyPair } from "../sim/control/site.ts";
import { CommandedSite, type Settings } from "./commanded-site.ts";
import type { TestDevice } from "./test-device.ts";

/** Reasons of 13.2, and statuses of 13.1. */
const REVOKED = 10;
const LEASE_EXPIRED = 15;
const STATUS_OLD_CONFIG = -48;
const STATUS_BAD_ARGUMENT = -2;
const HEARD_MS = 30_000;

const sites: CommandedSite[] = [];

afterEach(async () => {
  await Promise.all(sites.splice(0).map((site) => site.close()));
  await endCommanded();
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

/** As before; what was told the neighbour of the lease's end may still end its first calls. */
async function expectServedAgain(site: CommandedSite): Promise<void> {
  for (let tries = 0; tries < 20; tries++) {
    const call = await site.call();
    const got = await call.ask(PAGE);
    if (call.ended === null) return expect(got).toEqual(TURNED);
    expect(call.ended).toBe(LEASE_EXPIRED);
  }
  throw new Error("the neighbour was told LeaseExpired again and again");
}

/** A new call brings a page there and back. */
async function expectServed(site: CommandedSite): Promise<void> {
  const call = await site.call();
  expect(await call.ask(PAGE)).toEqual(TURNED);
}

describe("the lease", () => {
  test("that ends cuts the neighbours' connections; the Commander's word brings them back", async () => {
    const { site, device, sockets } = await served("lease", { leaseSeconds: 15 });
    const call = await site.call();
    expect(await call.ask(PAGE)).toEqual(TURNED);
    await device.hear(/the Commander was not heard for half of the lease, which ends in \d+ s/);
    await device.hear(/the lease has expired: the Commander's stream alone goes on/);
    expect(await call.end()).toBe(LEASE_EXPIRED);
    const isOver = (socket: Socket) => socket.destroyed || socket.readableEnded;
    await expect.poll(() => sockets.map(isOver), { timeout: HEARD_MS }).toEqual([true]);
    await device.statusWith(/the lease has expired/);
    site.commander.deploy();
    await device.hear(/the Commander was heard: the lease is whole again/);
    await expectServedAgain(site);
  });

  test("that a power cut has shortened ends at once where the Commander is out of reach", async () => {
    const { site, device } = await served("lease cut", { leaseSeconds: 600 });
    await expectServed(site);
    const { connector } = site.bridge.site;
    connector.meddle = ({ from, to, bytes }) =>
      [from, to].includes(COMMANDER) ? [] : [{ bytes, delayMs: 0 }];
    await device.kill();
    const again = site.start();
    await again.hear(/the lease has expired/);
    const call = await site.call();
    call.say(PAGE);
    connector.meddle = null;
    await again.hear(/the lease is whole again/);
    await expectServedAgain(site);
  });
});

describe("a Connector that stops", () => {
  test("has its device come back to it after the time that it says, and no connection ends", async () => {
    const { site, device } = await served("drain");
    const call = await site.call();
    expect(await call.ask(PAGE)).toEqual(TURNED);
    site.bridge.site.connector.drain(2000);
    await device.hear(/the Connector stops, dialled again in 2.000 s/);
    expect(await call.ask(PAGE)).toEqual(TURNED);
    await device.hear(/hop up/);
    expect(await call.ask(PAGE)).toEqual(TURNED);
    expect(call.ended).toBeNull();
  });
});

describe("INSTALL", () => {
  test("brings the Commander's next keys: the device speaks with them alone, over a power cut too", async () => {
    const { site, device } = await served("install");
    const call = await site.call();
    await call.ask(PAGE);
    const { commander } = site;
    const next = site.bridge.site.keyPair("next commander");
    const recovery = commander.authority.recoveryKey;
    await device.statusWith(/^phase/m); // behind all that it has said of other configurations
    commander.tell(commander.row("camera"), install(next.key, recovery, 5));
    commander.tell(commander.row("office"), install(next.key, recovery, 5));
    await device.hear(/a configuration of \d+ bytes is stored/);
    await site.bridge.until(() => site.office.pinnedEpoch === 5, "the office has it");
    await device.kill();
    replaceCommander(site, next, recovery, 5);
    site.start();
    await site.confirmed();
    await expectServed(site);
  });

  test("by the recovery key takes the device back from whoever has the Commander's key", async () => {
    const { site, device } = await served("recovery");
    const { recovery } = site.bridge.site;
    const [current, nextRecovery] = ["current'", "recovery'"].map((name) =>
      site.bridge.site.keyPair(name),
    ) as [KeyPair, KeyPair];
    const operator = replaceCommander(site, recovery, nextRecovery.key, 1);
    operator.onState = () => [install(current.key, nextRecovery.key, 7)];
    // The device would try that key by itself after ten minutes (10.5); it answers at once.
    await site.bridge.until(() => operator.hasHop, "the operator's hop");
    operator.greetAll();
    await device.hear(/the Commander speaks with its recovery key/);
    await device.hear(/a configuration of \d+ bytes is stored/);
    await device.kill();
    replaceCommander(site, current, nextRecovery.key, 7);
    const again = site.start();
    await site.confirmed();
    // A lower epoch is refused for ever.
    const { commander } = site;
    commander.tell(commander.row("camera"), install(recovery.key, nextRecovery.key, 7));
    await again.hear(/a configuration of the Commander is not taken \(OldConfig\)/);
    await site.reported(({ status }) => status === STATUS_OLD_CONFIG, "OldConfig");
  });
});

describe("a device", () => {
  test("tells its Commander which core and firmware it is, and how many sessions it has", async () => {
    const { site, device } = await served("about");
    await expectServed(site);
    const { commander } = site.bridge.site;
    await device.kill();
    const before = commander.got.length;
    // The office would have a session again before that is told, or behind it.
    site.bridge.site.connector.meddle = ({ from, to, bytes }) =>
      [from, to].includes(COMMANDER) ? [{ bytes, delayMs: 0 }] : [];
    site.start();
    await site.bridge.until(() => commander.got.slice(before).includes("camera ABOUT"), "told");
    const { sessions, streams, coreHash, text } = commander.abouts.get("camera") as About;
    expect([sessions, streams]).toEqual([0, 0]);
    expect(toHex(coreHash)).toBe(
      toHex(createHash("sha256").update(readFileSync(CORE_WASM)).digest()),
    );
    const { board, platform, version } = decodeAbout(text);
    expect([platform, board]).toEqual(["linux", ""]);
    expect(version).toMatch(/^[a-z ]+ \d+\.\d+\.\d+$/);
  });
});

describe("a device's own new key", () => {
  test.each([
    ["a person asks for", (device: TestDevice) => device.tell("rotate")],
    [
      "the Commander asks for",
      (_: TestDevice, site: CommandedSite) =>
        expect(site.commander.tell(site.commander.row("camera"), { type: "RENEW" })).toBe(true),
    ],
  ])("that %s is taken over without an open connection being cut", async (who, ask) => {
    const { site, device } = await served(`rotation that ${who}`);
    const call = await site.call();
    await call.ask(PAGE);
    const before = toHex(site.commander.row("camera").key);
    ask(device, site);
    await device.hear(/this device has a new key/);
    await site.bridge.until(
      () => toHex(site.commander.row("camera").key) !== before,
      "the new key is the key",
    );
    expect(await call.ask(PAGE)).toEqual(TURNED);
    expect(call.ended).toBeNull();
    await site.confirmed();
    await expectServed(site);
  });
});

describe("revocation", () => {
  test("of a neighbour cuts its connections, and lasts over a power cut past a Connector that withholds it", async () => {
    const { site, device, sockets } = await served("revoked neighbour");
    const call = await site.call();
    await call.ask(PAGE);
    site.bridge.site.register.isDeaf = true;
    const [socket] = sockets as [Socket];
    const isCut = new Promise((resolve) => socket.once("close", resolve));
    site.commander.revoke("office");
    await isCut;
    expect(socket.errored).toMatchObject({ code: "ECONNRESET" });
    await site.confirmed();
    await device.kill();
    const again = site.start();
    await again.hear(/hop up/);
    const late = await site.call();
    late.say(PAGE);
    await again.statusWith(/dropped: [1-9]\d*, last: UnknownPeer/);
    expect(late.got).toHaveLength(0);
  });

  test("of the device ends its hop and its connections, and it says whom to ask", async () => {
    const { site, device, sockets } = await served("revoked device");
    const call = await site.call();
    await call.ask(PAGE);
    site.commander.revoke("camera");
    await device.hear(/hop down: .*: NotAdmitted: the Connector does not admit this device's key/);
    expect(await call.end()).toBe(REVOKED);
    expect(sockets).toHaveLength(1);
    await device.kill();
    await site.start().hear(/NotAdmitted: .*give it to the Connector's operator/);
  });
});

describe("another access list of the device's Binding", () => {
  test("ends the connections that it does not name, and no others", async () => {
    const made = await CommandedSite.make("access");
    sites.push(made);
    const device = made.start();
    await made.confirmed();
    const desk = await activated(made.bridge, "desk");
    const port = await freePort();
    const ports = { binding: port, mapping: await startServer(turnOver) };
    made.commander.pair("camera", "desk", { ports });
    await Promise.all([made.confirmed(), desk.confirmed()]);
    await device.hear(/the Binding [0-9a-f]+ listens/);
    const [listed, other] = [new Talk(port, "127.0.0.2"), new Talk(port)];
    for (const talk of [listed, other]) expect(await talk.says("before")).toBe(true);
    const [pair] = made.commander.db.pairs as [Pair];
    pair.options = [{ type: 1, value: Uint8Array.of(4, 32, 127, 0, 0, 2) }];
    made.commander.deploy();
    await other.ended();
    expect(await listed.says("after")).toBe(true);
    await new Talk(port).ended();
    await device.hear(/refuses 127\.0\.0\.1 port \d+: its access list has no such network/);
    pair.options = [{ type: 2, value: Uint8Array.of(1, 0) }];
    made.commander.deploy();
    await made.confirmed();
    await new Talk(port).ended();
    expect(await listed.says("still")).toBe(true);
    const rate = { type: 3, value: Uint8Array.of(0, 4, 0, 0) };
    pair.options = [rate];
    made.commander.deploy();
    await made.reported(({ status }) => status === STATUS_BAD_ARGUMENT, "BadArgument");
    await device.hear(/does not listen: it has a rate/);
  });
});

/** A record of port.h, and which of its writes in `live`. */
const WRITES = [
  ["of a configuration", DeviceRecord.Configuration, 1],
  ["of the Commander's keys", DeviceRecord.Configuration, 2],
  ["of the next key pair", DeviceRecord.NextIdentity, 1],
  ["of the new key", DeviceRecord.Identity, 1],
  ["that clears the next key's place", DeviceRecord.NextIdentity, 2],
] as const;

test("the power may go before or behind each write, and each may fail: the next start goes on from there", async () => {
  const { site, device } = await served("writes");
  const planFile = `${site.flash}.plan`;
  await device.kill();
  for (const [what, record, nth] of WRITES) {
    for (const how of ["before", "after", "fails"]) {
      const cut = site.start({ TEST_SAVE: planFile });
      await cut.hear(/hop up/);
      await site.confirmed();
      writeFileSync(planFile, `${record} ${nth} ${how}`);
      await live(site, cut);
      await site.bridge.until(() => isOver(cut), `${what}, ${how}: its end, or a word`);
      rmSync(planFile);
      expect(cut.hasEnded, `${what}, ${how}`).toBe(how !== "fails");
      if (how === "fails") expect(cut.said, what).toMatch(FAILED);
      await cut.kill();
    }
  }
  await site.start().hear(/hop up/);
  await site.confirmed();
  await expectServed(site);
});

const FAILED = /could not be written|could not be cleared|not now/;

/** The power has gone, or it has said that a write failed. */
function isOver(device: TestDevice): boolean {
  return device.hasEnded || FAILED.test(device.said);
}

/** A configuration, a new key of the device, and INSTALL, each as far as the device lets it. */
async function live(site: CommandedSite, device: TestDevice): Promise<void> {
  const { commander } = site;
  const row = commander.row("camera");
  const until = (isDone: () => boolean, what: string) =>
    site.bridge.until(() => isDone() || isOver(device), what);
  await until(() => device.said.includes("hop up"), "a hop");
  commander.deploy();
  await until(() => row.confirmed === versionText(commander.db), "the configuration");
  device.skip();
  const { recoveryKey, commanderKey } = commander.authority;
  commander.db.epoch++;
  commander.tell(row, install(commanderKey, recoveryKey, commander.db.epoch));
  await until(() => /is stored/.test(device.unheard), "INSTALL");
  commander.deploy();
  await until(() => row.confirmed === versionText(commander.db), "a configuration of that epoch");
  const before = toHex(row.key);
  device.tell("rotate");
  await until(() => toHex(row.key) !== before, "the new key");
  await until(() => device.said.includes("this device has a new key"), "the new key's write");
  await until(() => row.confirmed === versionText(commander.db), "what came with it");
}

type Keys = Uint8Array;

function install(current: Keys, recovery: Keys, epoch: number) {
  return { type: "INSTALL" as const, current, recovery, epoch };
}

/** Another Commander with the database, at this epoch. */
function replaceCommander(site: CommandedSite, keys: KeyPair, recovery: Keys, epoch: number) {
  const { commander } = site;
  const db = { ...structuredClone(commander.db), epoch };
  site.moveCommander(keys.key);
  return site.bridge.site.replaceCommander(keys, recovery, db);
}
