// SPDX-License-Identifier: Apache-2.0
// What an emulated device does in time: bytes to the desktop over ways of several lengths, how long they
// stay away when its hop breaks, and its camera with the RAM that it had meanwhile.
// Before it: bench-device.ts. After it: viewers.ts, test/firmware/virt-site.ts. Every measurement is bounded
// in time.

import type { Socket } from "node:net";
import type { VirtImage } from "../../../scripts/build-virt.ts";
import { VirtSite } from "../../firmware/virt-site.ts";
import { type DeviceMemory, readMemory, symbolsOf } from "./memory.ts";
import { SlowRelay } from "./slow-relay.ts";
import { type CameraRates, watchCamera } from "./viewers.ts";

/** 8 ns an instruction: a processor of 125 million a second, as a chip of 160 MHz has at best. */
const ICOUNT_SHIFT = 3;
const BYTES_MS = 5000;
const BREAKS = 3;
const BREAK_MS = 8000;
const BUSY_MS = 4000;
const UPLOAD_PART = 16_384;
const BITS = 8;

/** A device whose hop goes over a relay. */
async function withRelay<T>(
  image: VirtImage,
  roundMs: number,
  work: (site: VirtSite, relay: SlowRelay) => Promise<T>,
): Promise<T> {
  const site = new VirtSite(image);
  await site.site.startConnector("hall");
  const relay = await SlowRelay.start(roundMs, Number(site.hallOfDevice().split(":").at(-1)));
  try {
    await site.startOffice();
    site.provision(undefined, site.hallOfDevice(relay.port));
    await site.startDevice({ icountShift: ICOUNT_SHIFT });
    return await work(site, relay);
  } finally {
    await site.stop();
    relay.close();
    await Promise.all([site.site.kill("office"), site.site.kill("hall")]);
  }
}

/** Asks the device for more than it can send in the time. */
function download(site: VirtSite): Socket {
  const socket = site.dial();
  socket.on("error", () => {});
  socket.write(`down 1 ${1 << 30}\n`);
  return socket;
}

function firstByte(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("data", () => resolve());
    socket.once("close", () => reject(new Error("the connection ended before its first byte")));
  });
}

/** Mbit/s from the device to the desktop at one round trip. */
export function throughput(image: VirtImage, roundMs: number): Promise<number> {
  return withRelay(image, roundMs, async (site) => {
    const socket = download(site);
    await firstByte(socket);
    let bytes = 0;
    socket.on("data", (part) => {
      bytes += part.length;
    });
    await rest(BYTES_MS);
    socket.destroy();
    return (bytes * BITS) / BYTES_MS / 1000;
  });
}

/** The longest of several silences, ms: from the reset of the hop to the next byte. */
export function silenceAfterBreak(image: VirtImage): Promise<number> {
  return withRelay(image, 1, async (site, relay) => {
    const socket = download(site);
    await firstByte(socket);
    const silences: number[] = [];
    for (let i = 0; i < BREAKS; i++) {
      await rest(1000);
      silences.push(await silenceAfter(socket, () => relay.cut()));
    }
    socket.destroy();
    return Math.max(...silences);
  });
}

/** The longest time without a byte after the cut: what was on its way still comes at first. */
async function silenceAfter(socket: Socket, cut: () => void): Promise<number> {
  let last = performance.now();
  let longest = 0;
  const hear = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  };
  cut();
  socket.on("data", hear);
  await rest(BREAK_MS);
  socket.off("data", hear);
  return Math.max(longest, performance.now() - last);
}

export type CameraFigures = CameraRates & { memory: DeviceMemory };

/** The camera with its viewers, and the moment at which the most was in use, of those looked at. */
export async function cameraFigures(image: VirtImage): Promise<CameraFigures> {
  const symbols = symbolsOf(image.elf);
  const site = await new VirtSite(image).start();
  const seen: DeviceMemory[] = [];
  try {
    const rates = await watchCamera(`http://127.0.0.1:${site.port}`, async () => {
      seen.push(readMemory(await site.device.memory(), symbols));
    });
    return { ...rates, memory: highestOf(seen) };
  } finally {
    await site.stop();
    await Promise.all([site.site.kill("office"), site.site.kill("hall")]);
  }
}

function highestOf(seen: readonly DeviceMemory[]): DeviceMemory {
  const [highest] = seen.toSorted((a, b) => b.arenaNow - a.arenaNow);
  const last = seen.at(-1);
  if (highest === undefined || last === undefined)
    throw new Error("its memory was never looked at");
  return { ...highest, ...peaks(last) };
}

function peaks({ arenaMost, arenaTop, stackMost }: DeviceMemory) {
  return { arenaMost, arenaTop, stackMost };
}

/**
 * RAM while four streams are busy, two each way, and the hop is made anew in the middle. An STLink has one slot
 * for handshakes: a new link session takes the same place, and never at the same time.
 */
export function busyMemory(image: VirtImage): Promise<DeviceMemory> {
  const symbols = symbolsOf(image.elf);
  return withRelay(image, 1, async (site, relay) => {
    const sockets = [download(site), download(site), upload(site), upload(site)];
    await Promise.all(sockets.slice(0, 2).map(firstByte));
    for (let i = 0; i < BREAKS; i++) {
      await rest(BUSY_MS);
      relay.cut();
      await firstByteOf(sockets.slice(0, 2));
    }
    await rest(BUSY_MS);
    const memory = readMemory(await site.device.memory(), symbols);
    for (const socket of sockets) socket.destroy();
    return memory;
  });
}

/** Sends for as long as the device takes it. */
function upload(site: VirtSite): Socket {
  const socket = site.dial();
  socket.on("error", () => {});
  const part = Buffer.alloc(UPLOAD_PART, 0x5a);
  const more = () => {
    while (!socket.destroyed && socket.write(part)) {}
  };
  socket.on("drain", more);
  socket.write("up\n");
  more();
  return socket;
}

function firstByteOf(sockets: readonly Socket[]): Promise<void> {
  return Promise.race(sockets.map(firstByte));
}

function rest(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
