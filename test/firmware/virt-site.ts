// SPDX-License-Identifier: Apache-2.0
// A site with an emulated device in it: Connector and desktop STLink as `sealed` processes, the device in
// QEMU with a flash as `sealed device provision` makes it. For virt-device.test.ts and the device bench.
// The device holds the Mapping `web` to its application; the desktop's Binding leads to it.

import { existsSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { type Cable, Emulator, type EmulatorOptions } from "../../host/device/emulator.ts";
import { LARGE_FLASH } from "../../host/device/store-image.ts";
import { buildVirtWith, type VirtTarget } from "../../scripts/build-firmware.ts";
import type { VirtImage } from "../../scripts/build-virt.ts";
import { ROOT } from "../../scripts/run.ts";
import { writeFlash } from "../e2e/native-devices.ts";
import { type Routes, StlinkSite } from "../e2e/stlink-site.ts";
import { HOST } from "./virt-app.ts";

const UP_MS = 60_000;
const WEB = { name: "web", address: "localhost", port: 80, peers: ["office"] };

/** Seeded bytes down and up (firmware/test/bytes_app.cpp). */
export function buildBytesDevice(target: VirtTarget): VirtImage {
  const files = [join(ROOT, "firmware", "test", "bytes_app.cpp")];
  return buildVirtWith(target, { name: "bytes", files, folders: [] });
}

export class VirtSite {
  readonly site = new StlinkSite(["hall"], ["office", "camera"]);
  readonly #image: VirtImage;
  #emulator: Emulator | null = null;
  /** The desktop's Binding to the device. */
  port = 0;

  constructor(image: VirtImage) {
    this.#image = image;
  }

  get flash(): string {
    return join(this.site.folder, "camera.flash");
  }

  get device(): Emulator {
    if (this.#emulator === null) throw new Error("the device was not started");
    return this.#emulator;
  }

  /** Connector, desktop and device; the device's hop is up. */
  async start(more: Partial<EmulatorOptions> = {}): Promise<this> {
    await this.site.startConnector("hall");
    await this.startOffice();
    this.provision();
    await this.startDevice(more);
    return this;
  }

  async startOffice(): Promise<void> {
    const binding = { name: "here", mapping: "web", port: 0, peers: ["camera"] };
    await this.site.startStlink("office", { bindings: [binding] });
    this.port = await this.site.portOf("office");
  }

  /** The other way round: what dials the device's port reaches a service on this machine. */
  async startGateway(port: number, service: number, cable: Cable): Promise<void> {
    const mapping = { name: "till", address: "localhost", port: service, peers: ["camera"] };
    const binding = { name: "counter", mapping: "till", port, address: "eth0", peers: ["office"] };
    await this.site.startConnector("hall");
    await this.site.startStlink("office", { mappings: [mapping] });
    this.provision({ bindings: [binding] });
    await this.startDevice({ cable });
  }

  /** Makes the device's flash; it dials the Connector there, or at `hall`, as host and port. */
  provision(routes: Routes = { mappings: [WEB] }, hall = this.hallOfDevice()): void {
    this.site.writeStlink("camera", { connectors: { hall: { address: hall } }, ...routes });
    writeFlash(this.site, "camera", LARGE_FLASH);
  }

  hallOfDevice(port: string | number = this.site.addressOf("hall").split(":").at(-1) ?? 0): string {
    return `${HOST}:${port}`;
  }

  async startDevice(more: Partial<EmulatorOptions> = {}): Promise<Emulator> {
    if (!existsSync(this.flash)) throw new Error("the device has no flash yet");
    const ramKib = this.#image.sizes.ram / 1024;
    const { flash, elf: _ } = this.#image;
    this.#emulator = await Emulator.start({ image: flash, ramKib, flash: this.flash, ...more });
    await this.#emulator.line(/hop up/, UP_MS);
    return this.#emulator;
  }

  /** Ends the device; the site's processes are sealed-tools.ts's. */
  async stop(): Promise<void> {
    await this.#emulator?.powerCut();
  }

  dial(): Socket {
    return connect({ host: "127.0.0.1", port: this.port, allowHalfOpen: true });
  }
}
