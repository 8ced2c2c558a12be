// SPDX-License-Identifier: Apache-2.0
// Where the port has IPv6, a device uses it everywhere: the native one, under the sanitizers, dials its
// Connector, its Mapping's target, and listens, each at ::1. What a board says instead: virt-ipv6.test.ts.

import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import { buildFirmware } from "../../scripts/build-firmware.ts";
import { freePort } from "../e2e/free-port.ts";
import { endDevices, NativeDevice } from "../e2e/native-devices.ts";
import { endAll } from "../e2e/sealed-tools.ts";
import { closeAll, dial, exchange, startServer, turnOver } from "../e2e/services.ts";
import { StlinkSite } from "../e2e/stlink-site.ts";

const V6 = "::1";
const SENT = randomBytes(200_000);

const site = new StlinkSite(["hall"], ["office", "camera"]);
let device: NativeDevice;
let bindingPort: number;

beforeAll(async () => {
  await site.startConnector("hall");
  const till = await startServer(turnOver);
  const camera = { peers: ["camera"] };
  await site.startStlink("office", {
    bindings: [{ name: "here", mapping: "web", port: 0, ...camera }],
    mappings: [{ name: "till", address: "127.0.0.1", port: till, ...camera }],
  });
  const office = { address: V6, peers: ["office"] };
  bindingPort = await freePort();
  site.writeStlink("camera", {
    connectors: { hall: { address: `[${V6}]:${await startWayToHall()}` } },
    mappings: [{ name: "web", port: await startServer(turnOver, 0, V6), ...office }],
    bindings: [{ name: "counter", mapping: "till", port: bindingPort, ...office }],
  });
  device = NativeDevice.start(buildFirmware("native-asan"), site, "camera", await freePort());
  await device.hear(/hop up/);
});

afterAll(async () => {
  await Promise.all([endDevices(), closeAll()]);
  await endAll();
});

/** A port of ::1 that leads to the Connector. */
function startWayToHall(): Promise<number> {
  const hall = Number(site.addressOf("hall").split(":").at(-1));
  const pass = (socket: ReturnType<typeof dial>) => socket.pipe(dial(hall)).pipe(socket);
  return startServer(pass, 0, V6);
}

it("dials its Connector", () => {
  expect(device.said).toMatch(/hop up: ::1/);
});

it("reaches its Mapping's target", async () => {
  const came = await exchange(await site.portOf("office"), SENT);
  expect(came.equals(SENT.map((byte) => byte ^ 0xff))).toBe(true);
});

it("listens at its Binding", async () => {
  const came = await exchange(bindingPort, SENT, V6);
  expect(came.equals(SENT.map((byte) => byte ^ 0xff))).toBe(true);
});
