// SPDX-License-Identifier: Apache-2.0
// What goes wrong on a device, or around it: it says what on its console, and where it has a Commander and
// there is a status for it, in its next report (PROTOCOL 10.1); then it comes back by itself. Other faults
// are in agent.test.ts, activation.test.ts, posix.test.ts and the virt tests. Issue: "Bad inputs and faults".

import { readFileSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { DEVICE_SIZES } from "../../host/core/core.ts";
import { DeviceRecord } from "../../host/device/store-image.ts";
import { freePort } from "../e2e/free-port.ts";
import { endAll, makeFolder } from "../e2e/sealed-tools.ts";
import { closeAll, startServer, turnOver } from "../e2e/services.ts";
import { StlinkSite } from "../e2e/stlink-site.ts";
import { configurationOf } from "../sim/control/database.ts";
import { type Call, CommandedSite, type Settings } from "./commanded-site.ts";
import {
  buildTestDevice,
  type DeviceFiles,
  hex,
  provision,
  storedConfiguration,
  TestDevice,
  trappingCore,
  writeFlash,
} from "./test-device.ts";

/** Statuses of 13.1. */
const BAD_HANDSHAKE = -33;
const BAD_CONFIG = -47;
const NO_STREAM_SLOT = -67;
const NO_BUFFER = -68;
const INTERNAL = -96;
/** Reasons of 13.2. */
const TOO_MANY_STREAMS = 7;
/** Streams of a device for applications, at most: its core keeps one more for its Commander. */
const STREAMS = DEVICE_SIZES.streams - 1;
/** What is stored with a configuration in half of the core's room. */
const STORED_MOST = 1016;

const sites: CommandedSite[] = [];
const devices: TestDevice[] = [];

afterEach(async () => {
  await Promise.all([
    ...sites.splice(0).map((site) => site.close()),
    ...devices.splice(0).map((device) => device.kill()),
  ]);
  await closeAll();
  await endAll();
});

function start(flash: string, env: NodeJS.ProcessEnv = {}): TestDevice {
  const device = new TestDevice(buildTestDevice(), ["--flash", flash], env);
  devices.push(device);
  return device;
}

/** An activated device, whose Mapping turns bytes over. */
async function commanded(seed: string, settings: Settings = {}) {
  const sockets: Socket[] = [];
  const port = await startServer((socket) => {
    sockets.push(socket);
    turnOver(socket.on("error", () => {}));
  });
  const { made, device } = await CommandedSite.activated(seed, port, settings);
  sites.push(made);
  return { site: made, device, sockets };
}

/** A device's flash, and its site; nothing listens at the Connector's place. */
async function provisioned(files: Partial<DeviceFiles> = {}) {
  const site = new StlinkSite(["hall"], ["office", "camera"]);
  const routes = [{ kind: "mapping", name: "web", port: 1, peers: ["office"] }] as const;
  const address = `127.0.0.1:${await freePort()}`;
  const connectors = [{ name: "hall", address }];
  return { site, flash: provision(site, "camera", { routes, connectors, ...files }) };
}

const PAGE = Buffer.from("a page");

describe("the network", () => {
  test("is not there at the start: that is said, and the hop is made once it comes", async () => {
    const site = new StlinkSite(["hall"], ["office", "camera"]);
    await site.startConnector("hall");
    const device = start(provision(site, "camera", { connectors: ["hall"], routes: [] }), {
      TEST_NO_NETWORK: "1",
    });
    await device.hear(/no network yet: Connectors are dialled once it is up/);
    device.child.kill("SIGUSR2");
    await device.hear(/network up/);
    await device.hear(/hop up/);
  });

  test("goes and comes fifty times: each is said, and the device is back after the last", async () => {
    const { site, device } = await commanded("fifty");
    for (let round = 0; round < 50; round++) {
      device.child.kill("SIGUSR1");
      await device.hear(/network down/);
      device.child.kill("SIGUSR2");
      await device.hear(/network up/);
    }
    await device.hear(/hop up/);
    site.commander.deploy();
    await site.confirmed();
    expect(await (await site.call()).ask(PAGE)).toHaveLength(PAGE.length);
  });
});

describe("a Connector", () => {
  test("that refuses the connection is said, and when it is dialled again", async () => {
    const { flash } = await provisioned();
    const device = start(flash);
    await device.hear(/hop down: 127.0.0.1: the connection was refused, dialled again in [\d.]+ s/);
    await device.statusWith(/no hop, dialled in .* last error: the connection was refused/);
  });

  test("that stalls in the middle of the handshake is said", async () => {
    const stalled = await startServer((socket) => void socket.on("error", () => {}).resume());
    const connectors = [{ name: "hall", address: `127.0.0.1:${stalled}` }];
    const { flash } = await provisioned({ connectors });
    await start(flash).hear(/hop down: 127.0.0.1: the handshake was not answered, dialled again/);
  });

  test("that sends rubbish is said, and reported once there is a way", async () => {
    const { site, device } = await commanded("rubbish");
    site.bridge.rubbish = new Uint8Array(3000).fill(0xa5);
    site.bridge.cut();
    await device.hear(/hop down: 127.0.0.1: Bad\w+, dialled again/);
    site.bridge.rubbish = null;
    await device.hear(/hop up/);
    await site.reported(({ status }) => status === BAD_HANDSHAKE, "BadHandshake");
  });
});

describe("an identity", () => {
  test("that is damaged on flash is said: nobody knows the new one", async () => {
    const { site, flash } = await provisioned();
    const image = readFileSync(flash);
    const at = image.indexOf(hex(site.secretOf("camera")));
    expect(at).toBeGreaterThan(0);
    image[at] = (image[at] ?? 0) ^ 1;
    writeFileSync(flash, image);
    const device = start(flash);
    await device.hear(/there is a configuration without its key, which is lost or damaged/);
    await device.statusWith(/phase: running/);
  });

  test("of another device is not admitted, and the device says whom to ask", async () => {
    const site = new StlinkSite(["hall"], ["office", "camera"]);
    await site.startConnector("hall");
    const routes = [{ kind: "mapping", name: "web", port: 1, peers: ["office"] }] as const;
    const stored = storedConfiguration(site, "camera", { connectors: ["hall"], routes });
    const device = start(writeFlash(makeFolder(), new Map([[DeviceRecord.Configuration, stored]])));
    await device.hear(/NotAdmitted: the Connector does not admit this device's key; give it to/);
  });

  test("that a second device has too is said: a key is for one device", async () => {
    const site = new StlinkSite(["hall"], ["office", "camera"]);
    await site.startConnector("hall");
    const flash = provision(site, "camera", { connectors: ["hall"], routes: [] });
    const copy = `${flash}.copy`;
    writeFileSync(copy, readFileSync(flash));
    const first = start(flash);
    await first.hear(/hop up/);
    const second = start(copy);
    await second.hear(/hop up/);
    await first.hear(
      /hop down: .*Superseded: something else has made a hop with this device's key/,
    );
  });
});

describe("a configuration", () => {
  test("on flash that is longer than there is room for is said, and not used", async () => {
    const long = new Uint8Array(STORED_MOST + 1).fill(7);
    const flash = writeFlash(makeFolder(), new Map([[DeviceRecord.Configuration, long]]));
    const device = start(flash);
    await device.hear(/the stored configuration is longer than the 1016 bytes for which there is/);
    await device.hear(/has no configuration: type `activate`/);
  });

  test("of the Commander that is longer than there is room for is said and reported; the one before stays", async () => {
    const { site, device } = await commanded("too long");
    const { commander } = site;
    const call = await site.call();
    const row = commander.row("camera");
    const body = configurationOf(commander.db, row, commander.authority);
    const configuration = new Uint8Array(STORED_MOST);
    configuration.set(body);
    commander.tell(row, { type: "CONFIG", configuration });
    await device.hear(
      /what came has no room here \(NoBuffer\); a configuration may have 1004 bytes/,
    );
    await site.reported(({ status }) => status === NO_BUFFER, "NoBuffer");
    expect(await call.ask(PAGE)).toHaveLength(PAGE.length);
  });

  test("of the Commander that does not add up is said and reported; the one before stays", async () => {
    const { site, device } = await commanded("does not add up");
    const { commander } = site;
    const call = await site.call();
    commander.tell(commander.row("camera"), { type: "CONFIG", configuration: PAGE });
    await device.hear(
      /a configuration of the Commander is not taken \(BadConfig\): it does not add up/,
    );
    await site.reported(({ status }) => status === BAD_CONFIG, "BadConfig");
    expect(await call.ask(PAGE)).toHaveLength(PAGE.length);
  });
});

test("every stream taken is said and reported, and the others go on", async () => {
  const { site, device, sockets } = await commanded("full", { more: "attic" });
  const calls: Call[] = [];
  let refused: number | null = null;
  while (calls.length <= STREAMS && refused === null) {
    const call = await site.call(calls.length % 2 === 0 ? "office" : "attic");
    await call.ask(PAGE);
    refused = call.ended;
    calls.push(call);
  }
  expect(refused).toBe(TOO_MANY_STREAMS);
  calls.pop();
  await device.hear(/refuses a connection: every stream of this device is taken/);
  await site.reported(({ status }) => status === NO_STREAM_SLOT, "NoStreamSlot");
  for (const call of calls) expect(await call.ask(PAGE)).toHaveLength(PAGE.length);
  expect(sockets).toHaveLength(calls.length);
});

test("a trap in the core is said and reported, and the device serves again without a restart", async () => {
  const program = buildTestDevice(trappingCore());
  const { site, device, sockets } = await commanded("trap", { program });
  await (await site.call()).ask(PAGE);
  sockets[0]?.end();
  await device.hear(/the core has stopped, all connections are lost: .* in stream_fin/);
  await device.hear(/hop up/);
  await site.reported(({ status }) => status === INTERNAL, "Internal");
  expect(await (await site.call()).ask(PAGE)).toHaveLength(PAGE.length);
});
