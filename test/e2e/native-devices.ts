// SPDX-License-Identifier: Apache-2.0
// Devices as programs of this machine, beside a site's STLinks; the flash of any device, as `sealed device
// provision` makes it of its file. Before it: stlink-site.ts wrote the file. After it: the firmware,
// ports/posix. `endDevices` ends all; so does the end of this process, however it comes.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { deviceRecords } from "../../host/device/configuration.ts";
import { tieToParent } from "../../host/device/emulator.ts";
import { type FlashShape, SMALL_FLASH, storeImage } from "../../host/device/store-image.ts";
import { readSite } from "../../host/stlink/site-file.ts";
import type { StlinkSite } from "./stlink-site.ts";

const HEARD_MS = 30_000;
const LOOK_MS = 20;

const devices: NativeDevice[] = [];

/** Ends every device that was started. */
export async function endDevices(): Promise<void> {
  await Promise.all(devices.splice(0).map((device) => device.kill()));
}

/** Makes NAME.flash of NAME.json in the site's folder; its path. */
export function writeFlash(site: StlinkSite, name: string, shape: FlashShape): string {
  const flash = join(site.folder, `${name}.flash`);
  const records = deviceRecords(readSite(join(site.folder, `${name}.json`)));
  writeFileSync(flash, storeImage(shape, records), { mode: 0o600 });
  return flash;
}

export class NativeDevice {
  readonly child: ChildProcess;
  readonly #log: string;

  private constructor(child: ChildProcess, log: string) {
    this.child = child;
    this.#log = log;
  }

  /** Starts what NAME.json of the site's folder says; port 80 of its loopback is at `webPort`. */
  static start(program: string, site: StlinkSite, name: string, webPort: number): NativeDevice {
    const flash = writeFlash(site, name, SMALL_FLASH);
    const log = join(site.folder, `${name}.log`);
    const console = openSync(log, "a", 0o600);
    const [command, args] = tieToParent(program, ["--flash", flash, "--web", String(webPort)]);
    const child = spawn(command, args, { stdio: ["ignore", console, console] });
    closeSync(console);
    const device = new NativeDevice(child, log);
    devices.push(device);
    return device;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** What it has said on its console. */
  get said(): string {
    return readFileSync(this.#log, "utf8");
  }

  /** Waits until it has said so. Rejects with what it said instead. */
  async hear(pattern: RegExp): Promise<void> {
    for (const end = performance.now() + HEARD_MS; !pattern.test(this.said); ) {
      if (performance.now() > end || this.hasEnded) {
        throw new Error(`the device never said ${pattern}, but:\n${this.said}`);
      }
      await pause(LOOK_MS);
    }
  }

  async kill(): Promise<void> {
    if (this.hasEnded) return;
    const gone = once(this.child, "exit");
    this.child.kill("SIGKILL");
    await gone;
  }
}
