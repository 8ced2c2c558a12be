// SPDX-License-Identifier: Apache-2.0
// A board has IPv4 alone: a device in the emulator whose configuration names addresses of IPv6 says on its
// console which of them it does not use, and uses the rest.

import { createSocket } from "node:dgram";
import { connect } from "node:net";
import { afterAll, beforeAll, it } from "vitest";
import { buildVirtFirmware } from "../../scripts/build-firmware.ts";
import { endAll } from "../e2e/sealed-tools.ts";
import { publicKeyOf } from "../unit/site-files.ts";
import { VirtSite } from "./virt-site.ts";

const SAID_MS = 90_000;
const WHY = "its address is of IPv6, and this device has IPv4 alone; configure one of IPv4";

let site: VirtSite;

/** Two Connectors and two Bindings of the device, one of each of IPv6; and its Mappings, which are. */
beforeAll(async () => {
  site = new VirtSite(buildVirtFirmware("virt-rv32-aot"));
  await site.site.startConnector("hall");
  const here = { name: "here", mapping: "web", port: 0, peers: ["camera"] };
  const heard = { name: "heard", mapping: "said", port: 0, protocol: "udp", peers: ["camera"] };
  await site.site.startStlink("office", { bindings: [here, heard] });
  const said = { name: "said", address: "::1", port: 53, protocol: "udp", peers: ["office"] };
  const web = { name: "web", address: "::1", port: 80, peers: ["office"] };
  const till = (name: string, address: string) => ({
    ...{ name, address, port: 8080, mapping: "till", peers: ["office"] },
  });
  site.provision({
    mappings: [web, said],
    bindings: [till("old", "127.0.0.1"), till("new", "::1")],
    moreConnectors: [{ name: "yard", address: "[fd00::1]:8443", key: publicKeyOf(7) }],
  });
  await site.startDevice();
});

afterAll(async () => {
  await site?.stop();
  await endAll();
});

it("dials the Connector that it can, and says that it does not dial the other", async () => {
  await site.device.line(
    new RegExp(`the Connector \\[fd00::1\\]:8443 is not dialled: ${WHY}`),
    SAID_MS,
  );
  await site.device.line(/hop up: 10\.0\.2\.2/, SAID_MS);
});

it("listens at the Binding that it can, and says that it does not at the other", async () => {
  await site.device.line(/the Binding [0-9a-f]{32} listens on 127\.0\.0\.1 port 8080/, SAID_MS);
  await site.device.line(new RegExp(`the Binding [0-9a-f]{32} does not listen: ${WHY}`), SAID_MS);
});

it("says why a Mapping does not connect", async () => {
  connect(await portOf("here"), "127.0.0.1").on("error", () => {});
  await site.device.line(new RegExp(`the Mapping [0-9a-f]{32} could not connect: ${WHY}`), SAID_MS);
});

it("says why a Mapping drops datagrams", async () => {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  const port = await portOf("heard");
  // One that waits too long for its channel is dropped on its way.
  const again = setInterval(() => socket.send("a datagram", port, "127.0.0.1"), 500);
  const sentence = new RegExp(`the Mapping [0-9a-f]{32} drops datagrams: ${WHY}`);
  await site.device.line(sentence, SAID_MS).finally(() => clearInterval(again));
  socket.close();
});

/** Of a Binding of the desktop. */
async function portOf(name: string): Promise<number> {
  const { bindings } = await site.site.status("office");
  const binding = bindings.find((one) => one.name === name);
  return Number(binding?.listening[0]?.split(":").at(-1));
}
