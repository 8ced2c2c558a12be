// SPDX-License-Identifier: Apache-2.0
// Bytes through a tunnel from and to an emulated device that gives and takes them
// (firmware/test/bytes_app.cpp), with something done to the site in the middle. Before it:
// virt-device.test.ts, virt-pair.test.ts, and the show at full size. After it: a site's Binding.

import { createHash } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";
import { seededBytes } from "../e2e/services.ts";
import type { StlinkSite } from "../e2e/stlink-site.ts";

/** Nothing that is done to a site keeps its bytes away for longer. */
const SILENT_MS = 120_000;

/** Where the device's bytes are had: a connection to the Binding that leads to it. */
export type Way = { dial(): Socket };

export type Meanwhile = {
  /** Begins once so many bytes have moved. */
  at: number;
  begin(): Promise<void>;
  /** Called with each piece of bytes that has moved. */
  tell?(bytes: number): void;
};

/** How many bytes came, and their SHA-256. */
export type Moved = { bytes: number; hash: string };

/** Everything that the device sends when it is asked for `length` bytes of this seed. */
export async function takeFromDevice(
  way: Way,
  seed: number,
  length: number,
  meanwhile: Meanwhile,
): Promise<Moved> {
  const socket = ask(way, `down ${seed} ${length}`);
  const hash = createHash("sha256");
  const watch = new Watch(meanwhile);
  for await (const part of socket) {
    hash.update(part);
    watch.moved(part.length);
  }
  await watch.done;
  socket.destroy();
  return { bytes: watch.bytes, hash: hash.digest("hex") };
}

/** Sends the device `length` bytes of this seed, a multiple of 64 KiB; what it says came. */
export async function giveToDevice(
  way: Way,
  seed: number,
  length: number,
  meanwhile: Meanwhile,
): Promise<Moved> {
  const socket = ask(way, "up");
  const watch = new Watch(meanwhile);
  const [said] = await Promise.all([textOf(socket), send(socket, seed, length, watch)]);
  await watch.done;
  const [bytes, hash = ""] = said.trim().split(" ");
  return { bytes: Number(bytes), hash };
}

/** The site's only Connector, killed and started again. */
export async function replaceConnector(site: StlinkSite): Promise<void> {
  await site.kill("hall");
  await site.startConnector("hall");
}

/** Counts, and begins what is to be done meanwhile. */
class Watch {
  bytes = 0;
  done: Promise<void> | null = null;
  readonly #meanwhile: Meanwhile;

  constructor(meanwhile: Meanwhile) {
    this.#meanwhile = meanwhile;
  }

  moved(bytes: number): void {
    this.bytes += bytes;
    this.#meanwhile.tell?.(bytes);
    if (this.bytes >= this.#meanwhile.at) this.done ??= this.#meanwhile.begin();
  }
}

function ask(way: Way, line: string): Socket {
  const socket = way.dial();
  socket.setTimeout(SILENT_MS, () => {
    socket.destroy(new Error(`no byte moved for ${SILENT_MS / 1000} s`));
  });
  socket.write(`${line}\n`);
  return socket;
}

async function send(socket: Socket, seed: number, length: number, watch: Watch): Promise<void> {
  for (const piece of seededBytes(seed, length)) {
    if (!socket.write(piece)) await once(socket, "drain");
    watch.moved(piece.length);
  }
  socket.end();
}

async function textOf(socket: Socket): Promise<string> {
  let text = "";
  for await (const part of socket) text += part;
  socket.destroy();
  return text;
}
