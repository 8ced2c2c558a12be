// SPDX-License-Identifier: Apache-2.0
// Two emulated devices that reach one another through one Connector, without a desktop STLink: the gateway
// has the Binding, the camera the Mapping to its application. Both are on a network of their own, where a
// port of this machine's loopback leads to the gateway's. For virt-pair.test.ts.

import { connect, type Socket } from "node:net";
import { Emulator } from "../../host/device/emulator.ts";
import { LARGE_FLASH } from "../../host/device/store-image.ts";
import type { VirtImage } from "../../scripts/build-virt.ts";
import { freePort } from "../e2e/free-port.ts";
import { writeFlash } from "../e2e/native-devices.ts";
import { type Routes, StlinkSite } from "../e2e/stlink-site.ts";
import { HOST } from "./virt-app.ts";
import { giveToDevice } from "./virt-bytes.ts";
import { FIRST_HOST, VirtLan } from "./virt-lan.ts";

const UP_MS = 60_000;
const PORT = 8080;
const WEB = { name: "web", address: "localhost", port: 80, peers: ["gateway"] };
const HERE = { name: "here", mapping: "web", port: PORT, address: "all", peers: ["camera"] };

export class VirtPair {
  readonly site = new StlinkSite(["hall"], ["gateway", "camera"]);
  readonly #image: VirtImage;
  readonly #devices: Emulator[] = [];
  #lan: VirtLan | null = null;
  #port = 0;

  constructor(image: VirtImage) {
    this.#image = image;
  }

  /** Connector and both devices; the gateway's Binding carries bytes. The gateway is first: it gets the first address. */
  async start(): Promise<this> {
    await this.site.startConnector("hall");
    this.#port = await freePort();
    const lan = await VirtLan.start({ from: this.#port, host: FIRST_HOST, port: PORT });
    this.#lan = lan;
    await this.#startDevice("gateway", { bindings: [HERE] }, lan, 0x56);
    await this.#startDevice("camera", { mappings: [WEB] }, lan, 0x57);
    await this.#untilCarried();
    return this;
  }

  /** On a slow machine the first handshake may take longer than a Binding waits: then it is dialled again. */
  async #untilCarried(): Promise<void> {
    const none = () => giveToDevice(this, 1, 0, { at: 1, begin: async () => {} });
    const end = performance.now() + UP_MS;
    while ((await none().catch(() => null)) === null) {
      if (performance.now() > end) throw new Error("the gateway's Binding carries nothing");
    }
  }

  async #startDevice(name: string, routes: Routes, lan: VirtLan, macByte: number): Promise<void> {
    const port = this.site.addressOf("hall").split(":").at(-1);
    const hall = { address: `${HOST}:${port}` };
    this.site.writeStlink(name, { connectors: { hall }, ...routes });
    const flash = writeFlash(this.site, name, LARGE_FLASH);
    const ramKib = this.#image.sizes.ram / 1024;
    const cable = await lan.plug();
    const options = { image: this.#image.flash, ramKib, flash, cable, macByte };
    const device = await Emulator.start(options);
    this.#devices.push(device);
    await device.line(/hop up/, UP_MS);
  }

  /** To the gateway's Binding. */
  dial(): Socket {
    return connect({ host: "127.0.0.1", port: this.#port, allowHalfOpen: true });
  }

  /** Ends the devices; the Connector is sealed-tools.ts's. */
  async stop(): Promise<void> {
    await Promise.all(this.#devices.map((device) => device.powerCut()));
    this.#lan?.stop();
  }
}
