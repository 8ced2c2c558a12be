// SPDX-License-Identifier: Apache-2.0
// A device as a gateway: two emulated machines on one network. One is the firmware, with a Binding on its
// interface; the other knows nothing of tunnels (firmware/test/virt_app.cpp) and reaches, through the first,
// a service behind a desktop's Mapping.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildVirtFirmware, type VirtTarget } from "../../scripts/build-firmware.ts";
import { endAll } from "../e2e/sealed-tools.ts";
import { buildApp, type Exchange, exchange, type Host, listenTcp, VirtApp } from "./virt-app.ts";
import { FIRST_HOST as GATEWAY, VirtLan } from "./virt-lan.ts";
import { VirtSite } from "./virt-site.ts";

const BYTES = 256 * 1024;
const PORT = 8080;
const HEARD_MS = 120_000;
const TRIES = 4;

afterAll(endAll);

describe.each<VirtTarget>(["virt-rv32", "virt-rv32-aot"])("a gateway on %s", (target) => {
  const site = new VirtSite(buildVirtFirmware(target));
  const served: Exchange[] = [];
  let service: Host;
  let neighbour: VirtApp;
  let lan: VirtLan;

  beforeAll(async () => {
    service = await listenTcp((socket) => {
      exchange(socket, BYTES, 3).then(
        (one) => served.push(one),
        () => {},
      );
    });
    lan = await VirtLan.start();
    await site.startGateway(PORT, service.port, await lan.plug());
    const more = { cable: await lan.plug(), macByte: 0x57 };
    neighbour = await VirtApp.start(buildApp("wasm3"), more);
    await neighbour.ask("until up");
  });
  afterAll(async () => {
    await Promise.all([neighbour?.stop(), site.stop(), service?.close()]);
    lan?.stop();
  });

  it("carries a neighbour's connection to the desktop's service, bytes whole both ways", async () => {
    const echo = () => neighbour.ask(`echo ${GATEWAY} ${PORT}`, HEARD_MS);
    let said = await echo();
    // On a slow machine the first handshake may take longer than a Binding waits.
    for (let tries = 1; tries < TRIES && said === "reset 0"; tries++) said = await echo();
    expect(said).toBe(`open ${BYTES}`);
    await expect.poll(() => served.length, { timeout: HEARD_MS }).toBe(1);
    expect(served[0]?.bytes).toBe(BYTES);
    expect(served[0]?.received).toBe(served[0]?.sent);
  });

  it("turns a neighbour away at a port without a Binding", async () => {
    expect(await neighbour.ask(`dial ${GATEWAY} ${PORT + 1}`)).toBe("refused");
  });

  it("resets a neighbour's connection where the desktop's service is gone", async () => {
    await service.close();
    expect(await neighbour.ask(`echo ${GATEWAY} ${PORT}`, 60_000)).toMatch(/^reset 0/);
  });
});
