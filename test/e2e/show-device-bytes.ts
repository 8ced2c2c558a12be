// SPDX-License-Identifier: Apache-2.0
// Bytes from an emulated device and to it, each way with the only Connector killed and started again in
// the middle: how long it took, and whether what came is what was sent. Before it: shows.ts. After it:
// test/firmware/virt-bytes.ts, which virt-device.test.ts uses at a smaller size.

import type { VirtTarget } from "../../scripts/build-firmware.ts";
import {
  giveToDevice,
  type Moved,
  replaceConnector,
  takeFromDevice,
} from "../firmware/virt-bytes.ts";
import { buildBytesDevice, VirtSite } from "../firmware/virt-site.ts";
import { seededHash } from "./services.ts";

/** Of the device's console, where something fails. */
const LINES = 20;
const SEEDS = { down: 7, up: 9 } as const;

export type Direction = keyof typeof SEEDS;

export type DeviceBytes = Moved & {
  direction: Direction;
  /** Of what was sent. */
  sentHash: string;
  ms: number;
  /** The longest without a byte at the desktop's end. */
  longestWaitMs: number;
  /** How many had moved when the Connector was killed; 0: it never was. */
  killedAt: number;
};

/** Moves `length` bytes, a multiple of 64 KiB, each way; `tell` gets a line for each piece that moves. */
export async function* moveDeviceBytes(
  target: VirtTarget,
  length: number,
  tell: (text: string) => void,
): AsyncGenerator<DeviceBytes> {
  const site = await new VirtSite(buildBytesDevice(target)).start();
  try {
    yield await move(site, "down", length, tell);
    yield await move(site, "up", length, tell);
  } catch (error) {
    throw new Error(await storyOf(site, error as Error), { cause: error });
  } finally {
    await site.stop();
  }
}

/** Why a connection failed, as both ends of its tunnel say it. */
async function storyOf({ site, device }: VirtSite, { message }: Error): Promise<string> {
  const { bindings } = await site.status("office");
  return [
    `the connection failed: ${message}`,
    `the Binding's last error: ${bindings[0]?.lastError ?? "none"}`,
    "the device's console, at the end:",
    ...device.lines.slice(-LINES).map((line) => `  ${line}`),
  ].join("\n");
}

async function move(
  site: VirtSite,
  direction: Direction,
  length: number,
  tell: (text: string) => void,
): Promise<DeviceBytes> {
  const seed = SEEDS[direction];
  const startedMs = performance.now();
  let lastMs = startedMs;
  let [moved, longestWaitMs, killedAt] = [0, 0, 0];
  const meanwhile = {
    at: length / 2,
    begin: () => {
      killedAt = moved;
      return replaceConnector(site.site);
    },
    tell: (bytes: number) => {
      moved += bytes;
      const nowMs = performance.now();
      longestWaitMs = Math.max(longestWaitMs, nowMs - lastMs);
      lastMs = nowMs;
      tell(`${direction}: ${((100 * moved) / length).toFixed(0)} %`);
    },
  };
  const work = direction === "down" ? takeFromDevice : giveToDevice;
  const came = await work(site, seed, length, meanwhile);
  const ms = performance.now() - startedMs;
  return { ...came, direction, sentHash: seededHash(seed, length), ms, longestWaitMs, killedAt };
}
